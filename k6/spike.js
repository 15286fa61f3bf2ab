// Spike: two users, then at once LOAD_VUS more, then the two again. Under the
// peak a chunk may take long or be told to come again; no upload may fail, and
// soon after all is as before.
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';

const s = settings('spike');
const quarter = Math.ceil(s.LOAD_SECONDS / 4);

function phase(vus, nth) {
  return {
    executor: 'constant-vus',
    vus,
    startTime: `${nth * quarter}s`,
    duration: `${quarter}s`,
    gracefulStop: '5m',
  };
}

export const options = {
  scenarios: {
    calm: phase(2, 0),
    peak: phase(s.LOAD_VUS, 1),
    // The third quarter is for the peak's uploads to end.
    after: phase(2, 3),
  },
  thresholds: thresholds(s, {
    'chunk_slowdown{scenario:calm}': [`p(95)<=${s.LOAD_CALM_SLOWDOWN}`],
    'chunk_slowdown{scenario:after}': [`p(95)<=${s.LOAD_CALM_SLOWDOWN}`],
    'uploads_committed{scenario:after}': ['count>0'],
  }),
};

export function setup() {
  return reference(s);
}

export default function (ms) {
  transfer(s, ms);
}
