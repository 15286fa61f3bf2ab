// Slow: phones on mobile lines. Bodies trickle, answers come late, each chunk
// has a connection of its own, users pause, and now and then one gives up or the
// line breaks. The line is what they wait for, not the server.
import { sleep } from 'k6';
import { close, Links, openCuts, slowness } from './lib/links.js';
import { settings } from './lib/settings.js';
import { thresholds } from './lib/metrics.js';
import { reference, transfer } from './lib/transfer.js';
import { cut, giveUp, metAll, sometimes } from './lib/trouble.js';

const s = settings('slow');

export const options = {
  noConnectionReuse: true,
  scenarios: {
    slow: { executor: 'constant-vus', vus: s.LOAD_VUS, duration: `${s.LOAD_SECONDS}s`, gracefulStop: '5m' },
  },
  thresholds: thresholds(s, metAll('gave_up', 'cut')),
};

export function setup() {
  const links = new Links(s);
  const base = links.open('slow', slowness(s));
  return { run: links.run, base, cut: openCuts(links, s), ms: reference(s, base) };
}

export default function (links) {
  const trouble = sometimes(s.LOAD_TROUBLE, [giveUp, cut(links)]);
  transfer(s, links.ms, {
    base: links.base,
    before: (upload) => {
      sleep((s.LOAD_PAUSE_MS / 1000) * Math.random());
      trouble(upload);
    },
  });
}

export function teardown(links) {
  close(s, links.run);
}
