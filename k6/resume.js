// Resume: lines break in mid-chunk, answers get lost, clients give up, lose
// their place, forget, and send twice at once. Every upload still gets there.
import { close, Links, openCuts, slowness } from './lib/links.js';
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';
import { astray, cut, deaf, giveUp, metAll, sometimes, stale, twice } from './lib/trouble.js';

const s = settings('resume');

export const options = {
  scenarios: {
    resume: { executor: 'constant-vus', vus: s.LOAD_VUS, duration: `${s.LOAD_SECONDS}s`, gracefulStop: '5m' },
  },
  thresholds: thresholds(s, {
    // Else the lost answers were not of chunks that counted.
    chunks_counted_unanswered: ['count>0'],
    ...metAll('gave_up', 'cut', 'answer_lost', 'too_far', 'sent_before', 'at_once'),
  }),
};

export function setup() {
  const links = new Links(s);
  const base = links.open('usual', slowness(s));
  return {
    run: links.run,
    base,
    cut: openCuts(links, s),
    deaf: links.open('deaf', [...slowness(s), ['downstream', 'limit_data', { bytes: 1 }]]),
    ms: reference(s, base),
  };
}

export default function (links) {
  const kinds = [giveUp, cut(links), deaf(links), astray, stale, twice];
  transfer(s, links.ms, { base: links.base, before: sometimes(s.LOAD_TROUBLE, kinds) });
}

export function teardown(links) {
  close(s, links.run);
}
