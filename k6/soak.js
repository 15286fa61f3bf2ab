// Soak: the same users for hours. What leaks or fills up slows the end down,
// or fails it.
import { sleep } from 'k6';
import exec from 'k6/execution';
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';
import { giveUp, metAll, sometimes } from './lib/trouble.js';

const s = settings('soak');

// pace leaves every user some files for the last tenth.
const pace = Math.min(s.LOAD_PACE, s.LOAD_SECONDS / 20);

export const options = {
  scenarios: {
    soak: { executor: 'constant-vus', vus: s.LOAD_VUS, duration: `${s.LOAD_SECONDS}s`, gracefulStop: '5m' },
  },
  thresholds: thresholds(s, {
    'chunk_slowdown{tenth:last}': [`p(95)<=${s.LOAD_CALM_SLOWDOWN}`],
    'uploads_committed{tenth:last}': ['count>0'],
    ...metAll('gave_up'),
  }),
};

export function setup() {
  return reference(s);
}

export default function (ms) {
  const last = Date.now() - exec.scenario.startTime > s.LOAD_SECONDS * 900;
  exec.vu.metrics.tags.tenth = last ? 'last' : 'earlier';
  const began = Date.now();
  transfer(s, ms, { before: sometimes(s.LOAD_TROUBLE, [giveUp]) });
  // At full speed a store that keeps deleted files for a while is soon full.
  sleep(Math.max(0, pace - (Date.now() - began) / 1000));
}
