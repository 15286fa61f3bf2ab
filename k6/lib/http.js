import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { repeated } from './metrics.js';

// usual are the statuses that the protocol answers a healthy client with: 400
// tells the offset. Whatever else comes counts as failed.
const usual = http.expectedStatuses(200, 206, 400);

// Caller makes requests to the server at base, with the settings s.
export class Caller {
  constructor(s, base = s.BASE_URL) {
    this.s = s;
    this.base = base;
  }

  // request is one request as http.batch takes it. With broken, it is broken on
  // purpose and no failed request.
  request(method, path, body, { base = this.base, broken = false, params = {} } = {}) {
    const headers = { ...params.headers };
    if (this.s.TOKEN) {
      headers.Authorization = `Bearer ${this.s.TOKEN}`;
    }
    return {
      method,
      url: base + path,
      body,
      params: {
        timeout: this.s.LOAD_TIMEOUT * 1000,
        responseCallback: broken ? null : usual,
        tags: { name: endpoint(path) },
        ...params,
        headers,
      },
    };
  }

  // ask makes one request.
  ask(method, path, body, options) {
    const r = this.request(method, path, body, options);
    return http.request(r.method, r.url, r.body, r.params);
  }

  // insist makes a request until settle says that its answer settles it. The
  // last answer is the result.
  insist(ask, settle) {
    let res;
    for (let n = 0; n < this.s.LOAD_TRIES; n++) {
      res = ask();
      if (res.status === 507) {
        break; // no answer that anybody could settle
      }
      if (settle(res)) {
        return res;
      }
      repeated.add(1, { status: String(res.status) });
      sleep(pause(res, n));
    }
    stopIfFull(res);
    return res;
  }
}

// stopIfFull ends the run when its store takes no more: whatever came then would
// only say so again.
function stopIfFull(res) {
  const why = answer(res).error;
  if (res.status === 507 || (res.status === 503 && why === 'Storage is not available now')) {
    exec.test.abort(
      `the store takes no more (${res.status} ${why}): is its disk full? k6/README.md says how much a run needs`,
    );
  }
}

// lost says whether there is no whole answer: k6 has codes from 1000 for what
// broke, and from 1400 for statuses that are answers.
export function lost(res) {
  return res.status === 0 || (res.error_code >= 1000 && res.error_code < 1400);
}

// again says whether the request is to be repeated as it was.
export function again(res) {
  return lost(res) || [429, 502, 503, 504].includes(res.status);
}

// pause is how long to wait after the n-th try, in seconds: what the server
// asks for, or longer each time, and never all clients at one moment.
function pause(res, n) {
  const asked = Number(res.headers['Retry-After']);
  return (asked || Math.min(2, 0.1 * 2 ** n)) * (0.5 + Math.random());
}

// endpoint is what of a path may be a metric's label.
function endpoint(path) {
  return /^\/1\/[a-z_]+(\/delete)?/.exec(path)[0];
}

// answer is the object in a response, empty if there is none.
export function answer(res) {
  try {
    return JSON.parse(res.body) || {};
  } catch {
    return {};
  }
}
