import { describe, expect, it } from 'vitest';
import { normal, stream } from '$lib/core/random';
import { neighbourVotes, normalizeRows } from '$lib/metrics/knn';

const rows = (values: number[][]) => ({ values: Float32Array.from(values.flat()), width: values[0].length });
const oneHot = (labels: number[], classes: number) =>
  Float32Array.from(labels.flatMap((label) => Array.from({ length: classes }, (_, c) => Number(c === label))));

describe('nearest neighbours', () => {
  it('compares directions, not lengths', () => {
    const known = rows([[10, 0], [0, 0.1], [-5, 0]]); // prettier-ignore
    const votes = neighbourVotes(known, oneHot([0, 1, 2], 3), rows([[0.1, 0.01], [1, 30], [-1, 0.2]]), { k: 1 }); // prettier-ignore
    expect([...votes]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it('shares the votes of k neighbours, of equally near ones the first', () => {
    const known = rows([[1, 0], [1, 0], [1, 0.1], [0, 1]]); // prettier-ignore
    const targets = oneHot([0, 1, 1, 2], 3);
    const query = rows([[1, 0]]);
    expect([...neighbourVotes(known, targets, query, { k: 1 })]).toEqual([1, 0, 0]);
    const three = neighbourVotes(known, targets, query, { k: 3 });
    expect(three[0]).toBeCloseTo(1 / 3, 6);
    expect(three[1]).toBeCloseTo(2 / 3, 6);
    // More neighbours than there are rows: all of them.
    expect(neighbourVotes(known, targets, query, { k: 9 })[2]).toBeCloseTo(1 / 4, 6);
  });

  it('weighs votes by similarity and leaves out what points away', () => {
    const known = rows([[1, 0], [0.6, 0.8], [-1, 0]]); // prettier-ignore
    const votes = neighbourVotes(known, oneHot([0, 1, 2], 3), rows([[1, 0]]), { k: 3, weighted: true });
    expect(votes[0]).toBeCloseTo(1 / 1.6, 6);
    expect(votes[1]).toBeCloseTo(0.6 / 1.6, 6);
    expect(votes[2]).toBe(0);
  });

  it('gives equal shares where there is no direction at all', () => {
    const votes = neighbourVotes(rows([[1, 0]]), oneHot([0], 2), rows([[0, 0]]), { k: 1, weighted: true });
    expect([...votes]).toEqual([0.5, 0.5]);
    expect([...normalizeRows(rows([[0, 0]]))]).toEqual([0, 0]);
  });

  it('finds what comparing and sorting everything finds', () => {
    const random = stream(4, 'knn');
    const draw = (count: number) => rows(Array.from({ length: count }, () => Array.from({ length: 7 }, () => normal(random)))); // prettier-ignore
    const [known, queries] = [draw(40), draw(15)];
    const labels = Array.from({ length: 40 }, (_, row) => row % 4);
    const votes = neighbourVotes(known, oneHot(labels, 4), queries, { k: 5 });
    const [a, b] = [normalizeRows(known), normalizeRows(queries)];
    for (let query = 0; query < 15; query++) {
      const cosines = labels.map((label, row) => {
        let cosine = 0;
        for (let at = 0; at < 7; at++) cosine += a[row * 7 + at] * b[query * 7 + at];
        return { label, cosine };
      });
      const top = cosines.sort((x, y) => y.cosine - x.cosine).slice(0, 5);
      for (let c = 0; c < 4; c++) {
        const expected = top.filter(({ label }) => label === c).length / 5;
        expect(votes[query * 4 + c]).toBeCloseTo(expected, 6);
      }
    }
  });
});
