// A limit on how much is under way at once, first come, first served.

export interface Budget {
  /** Resolves when there is room; what exceeds the whole limit gets it alone. Call the result once to give it back. */
  take(amount: number): Promise<() => void>;
}

export function createBudget(limit: number): Budget {
  const waiting: { amount: number; start(): void }[] = [];
  let used = 0;
  const fits = (amount: number) => used === 0 || used + amount <= limit;

  function give(amount: number): void {
    used -= amount;
    while (waiting.length > 0 && fits(waiting[0].amount)) waiting.shift()?.start();
  }

  return {
    take: (amount) =>
      new Promise((resolve) => {
        const start = () => {
          used += amount;
          resolve(() => give(amount));
        };
        if (waiting.length === 0 && fits(amount)) start();
        else waiting.push({ amount, start });
      }),
  };
}
