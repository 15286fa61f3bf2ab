// What goes wrong between a client and the server, and what a client does
// wrong. Each kind is done to the chunk at the upload's offset; whatever it
// leaves, append goes on from there.
import http from 'k6/http';
import { again, answer, lost } from './http.js';
import { must, troubles } from './metrics.js';

// met counts a trouble that really came about.
function met(kind) {
  troubles.add(1, { kind });
}

// giveUp hangs up after a part of the time that a chunk takes: mostly in
// mid-chunk, sometimes between the last byte and the answer, and on a fast line
// the answer may even be there.
export function giveUp(upload) {
  const timeout = Math.max(1, upload.reference * Math.random());
  const res = send(upload, { params: { timeout } });
  if (lost(res)) {
    met('gave_up');
  }
  upload.settle(res);
}

// cut sends by a link that breaks inside of the request.
export function cut(links) {
  return (upload) => {
    const res = send(upload, { base: links.cut[Math.floor(Math.random() * links.cut.length)] });
    if (lost(res)) {
      met('cut');
    }
    upload.settle(res);
  };
}

// deaf sends by a link that breaks when the answer comes. The chunk is in, and
// nobody told so.
export function deaf(links) {
  return (upload) => {
    const res = send(upload, { base: links.deaf });
    if (lost(res)) {
      met('answer_lost');
    }
    upload.settle(res);
  };
}

// astray sends the chunk to the place of the next but one.
export function astray(upload) {
  const { offset, file } = upload;
  misplace(upload, offset, offset + file.chunkSize, 'too_far');
}

// stale sends the chunk before once more, as a client does that forgot.
export function stale(upload) {
  const before = upload.offset - upload.file.chunkSize;
  misplace(upload, before, before, 'sent_before');
}

// misplace sends the chunk at from as if it began at told, where it does not
// belong: nothing may come of it but the exact answer.
function misplace(upload, from, told, kind) {
  const res = upload.caller.ask(...upload.chunk(from, { broken: true }, told));
  if (again(res)) {
    return;
  }
  const got = upload.told(res);
  must(res, {
    'misplaced: 400': (r) => r.status === 400,
    'misplaced: keys in order': () => Object.keys(got).join() === 'expires,upload_id,offset,error',
    'misplaced: offset': () => got.offset === upload.offset,
    'misplaced: text': () =>
      got.error === `Submitted input out of alignment: got [${told}] expected [${upload.offset}]`,
  });
  met(kind);
}

// twice sends the chunk two times at once. One may count, the other is told so.
export function twice(upload) {
  const end = upload.file.end(upload.offset);
  const one = upload.caller.request(...upload.chunk(upload.offset, { broken: true }));
  const both = http.batch([one, { ...one }]);
  const won = both.filter((res) => res.status === 200 && !lost(res));
  must(both[0], { 'twice: one counts': () => won.length <= 1 });
  for (const res of both) {
    if (!won.includes(res) && !again(res)) {
      must(res, { 'twice: the other is told': (r) => r.status === 400 && answer(r).offset === end });
      met('at_once');
      upload.doubt = true; // the one that counted may have lost its answer
    }
  }
  upload.settle(won[0] ?? both[0]);
}

// send sends the chunk at the offset, once.
function send(upload, options) {
  return upload.caller.ask(...upload.chunk(upload.offset, { broken: true, ...options }));
}

// turn is which kind of trouble a user meets next; users begin at different ones.
let turn = __VU;

// sometimes does the kinds of trouble, in turn, to a share of the chunks.
export function sometimes(share, kinds) {
  return (upload) => {
    if (Math.random() < share) {
      kinds[turn++ % kinds.length](upload);
    }
  };
}

// metAll are thresholds: each of these kinds of trouble came about.
export function metAll(...kinds) {
  return Object.fromEntries(kinds.map((kind) => [`troubles{kind:${kind}}`, ['count>0']]));
}
