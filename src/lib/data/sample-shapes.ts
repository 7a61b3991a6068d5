// Outlines of the sample's classes as signed distances (negative inside), in units of the shape's radius. Draws nothing.

/** Distance from a point to the outline. */
export type Distance = (x: number, y: number) => number;

/** Name of the class -> its outline, upright, around the origin, within a radius of 1. */
export const SHAPES: Readonly<Record<string, Distance>> = {
  circle: (x, y) => Math.hypot(x, y) - 0.86,
  cross: polygon(crossOutline(0.3)),
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.68) - 0.22,
  square: polygon(starOutline(4, 1, 1)),
  star: polygon(starOutline(5, 1, 0.42)),
  triangle: polygon(starOutline(3, 1, 1)),
};

type Points = readonly (readonly [x: number, y: number])[];

/** A star of `points` tips at radius `outer` with notches at `inner`; without notches where both are equal: a regular polygon. */
function starOutline(points: number, outer: number, inner: number): Points {
  const corners = inner === outer ? points : 2 * points;
  return Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners - Math.PI / 2;
    const radius = inner !== outer && i % 2 === 1 ? inner : outer;
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  });
}

/** A plus with arms of half width `w`. */
function crossOutline(w: number): Points {
  const l = 0.95;
  return [
    [w, w],
    [l, w],
    [l, -w],
    [w, -w],
    [w, -l],
    [-w, -l],
    [-w, -w],
    [-l, -w],
    [-l, w],
    [-w, w],
    [-w, l],
    [w, l],
  ];
}

/** Exact distance to a closed polygon: the nearest point of any edge, inside or out by the even-odd rule. */
function polygon(points: Points): Distance {
  return (x, y) => {
    let nearest = Infinity;
    let inside = false;
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
      const [ax, ay] = points[j];
      const [bx, by] = points[i];
      const ex = bx - ax;
      const ey = by - ay;
      const along = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)));
      const dx = x - ax - along * ex;
      const dy = y - ay - along * ey;
      nearest = Math.min(nearest, dx * dx + dy * dy);
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    }
    return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
  };
}
