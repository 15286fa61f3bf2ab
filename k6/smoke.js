// Smoke: does it work at all? A few users upload a few files each, and every
// chunk meets a client that gives up, loses its place or forgets.
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';
import { astray, giveUp, metAll, sometimes, stale, twice } from './lib/trouble.js';

const s = settings('smoke');

export const options = {
  scenarios: {
    smoke: { executor: 'per-vu-iterations', vus: s.LOAD_VUS, iterations: s.LOAD_FILES, maxDuration: '10m' },
  },
  thresholds: thresholds(s, {
    uploads_committed: [`count==${s.LOAD_VUS * s.LOAD_FILES}`],
    ...metAll('gave_up', 'too_far', 'sent_before', 'at_once'),
  }),
};

export function setup() {
  return reference(s);
}

export default function (ms) {
  transfer(s, ms, { before: sometimes(s.LOAD_TROUBLE, [giveUp, astray, stale, twice]) });
}
