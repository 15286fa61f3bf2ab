// Steady: uploads begin at a fixed rate, as users come whether or not the
// server keeps up. It does, if no upload had to wait for a free virtual user.
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';

const s = settings('steady');

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: Math.ceil(s.LOAD_RATE * 60), // k6 wants a whole number
      timeUnit: '1m',
      duration: `${s.LOAD_SECONDS}s`,
      preAllocatedVUs: s.LOAD_VUS,
      gracefulStop: '5m',
    },
  },
  thresholds: thresholds(s, { dropped_iterations: ['count==0'] }),
};

export function setup() {
  return reference(s);
}

export default function (ms) {
  transfer(s, ms);
}
