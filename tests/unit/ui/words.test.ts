// Phrases and files that the screens write.
import { expect, test } from 'vitest';
import { ago, metricText, shortNumber, timeLeft } from '$lib/ui/words';
import { ranked, resultsCsv, resultsJson } from '$lib/ui/predict/results';

test('time left is rounded so that it does not flicker', () => {
  expect(timeLeft(null)).toBe('estimating time left');
  expect(timeLeft(0.4)).toBe('almost done');
  expect(timeLeft(41.2)).toBe('42 s left');
  expect(timeLeft(361)).toBe('about 6 min left');
  expect(timeLeft(2.5 * 3600)).toBe('about 2.5 h left');
});

test('a time is told as a distance while it is near', () => {
  const now = 1_700_000_000_000;
  expect(ago(now - 5_000, now)).toBe('just now');
  expect(ago(now - 300_000, now)).toBe('5 min ago');
  expect(ago(now - 30 * 3_600_000, now)).toBe('yesterday');
  expect(ago(now - 4 * 86_400_000, now)).toBe('4 days ago');
  expect(ago(now - 40 * 86_400_000, now)).toMatch(/2023$/);
});

test('large numbers get a unit, undefined ones a dash', () => {
  expect(shortNumber(141_706)).toBe('142 k');
  expect(shortNumber(11_181_642)).toBe('11.2 M');
  expect(metricText(null, 'ratio')).toBe('–');
  expect(metricText(0.9736, 'ratio')).toBe('97.4 %');
});

const one = { image: 'a,b.png', predicted_class: 'cat', confidence: 0.9, all_predictions: { dog: 0.1, cat: 0.9 } };
const other = { image: 'c.png', predicted_class: 'dog', confidence: 1, all_predictions: { dog: 1 } };

test('results are the JSON that the command line prints: an object, or a list of them', () => {
  expect(JSON.parse(resultsJson([one]))).toEqual(one);
  expect(JSON.parse(resultsJson([one, other]))).toEqual([one, other]);
});

test('the CSV has a column for each class and quotes names with commas', () => {
  expect(resultsCsv([one, other])).toBe(
    'image,predicted_class,confidence,p:dog,p:cat\r\n"a,b.png",cat,0.9,0.1,0.9\r\nc.png,dog,1,1,\r\n',
  );
});

test('candidates come by probability', () => {
  expect(ranked(one).map(({ name }) => name)).toEqual(['cat', 'dog']);
});
