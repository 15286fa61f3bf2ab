// Links to the server that are slow or break, made by toxiproxy, whose API is
// at LOAD_LINK: k6 itself can neither send slowly nor stop after some bytes.
import http from 'k6/http';
import { must } from './metrics.js';

// Links are made in setup and closed in teardown.
export class Links {
  constructor(s) {
    const to = /^http:\/\/([^/:]+)(?::(\d+))?$/.exec(s.BASE_URL);
    const api = /^http:\/\/([^/:]+):\d+$/.exec(s.LOAD_LINK);
    if (!to || !api) {
      throw new Error('this scenario needs LOAD_LINK, the URL of toxiproxy, and a BASE_URL http://host:port');
    }
    this.upstream = `${to[1]}:${to[2] ?? 80}`;
    this.host = api[1];
    this.api = `${s.LOAD_LINK}/proxies`;
    this.run = Date.now();
  }

  // open makes a link and answers its URL. Each toxic says what is wrong with a
  // direction: [stream, type, attributes].
  open(name, toxics) {
    const proxy = { name: `${this.run}-${name}`, listen: `${this.host}:0`, upstream: this.upstream, enabled: true };
    const made = post(this.api, proxy);
    for (const [stream, type, attributes] of toxics) {
      post(`${this.api}/${proxy.name}/toxics`, { name: `${stream}-${type}`, stream, type, attributes, toxicity: 1 });
    }
    return `http://${this.host}:${/\d+$/.exec(made.listen)[0]}`;
  }
}

// openCuts makes links that break in a request of a chunk of that many bytes: in
// the headers, at three places of the body, and in its last bytes. What is
// counted begins with some hundred bytes of headers.
export function openCuts(links, s) {
  const chunk = s.chunkBytes;
  return [100, chunk / 4, chunk / 2, chunk * 0.9, chunk].map((place) => {
    const bytes = Math.ceil(place);
    return links.open(`cut-${bytes}`, [...slowness(s), ['upstream', 'limit_data', { bytes }]]);
  });
}

// close ends the links of a run.
export function close(s, run) {
  for (const name of Object.keys(http.get(`${s.LOAD_LINK}/proxies`).json())) {
    if (name.startsWith(`${run}-`)) {
      http.del(`${s.LOAD_LINK}/proxies/${name}`);
    }
  }
}

function post(url, body) {
  const res = http.post(url, JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
  must(res, { 'toxiproxy: done': (r) => r.status === 200 || r.status === 201 });
  return res.json();
}

// slowness are the toxics of a line as LOAD_LINK_KBPS and LOAD_LINK_MS say.
export function slowness(s) {
  const toxics = [];
  if (s.LOAD_LINK_KBPS) {
    toxics.push(['upstream', 'bandwidth', { rate: s.LOAD_LINK_KBPS }]);
  }
  if (s.LOAD_LINK_MS) {
    toxics.push(['downstream', 'latency', { latency: s.LOAD_LINK_MS, jitter: Math.round(s.LOAD_LINK_MS / 2) }]);
  }
  return toxics;
}
