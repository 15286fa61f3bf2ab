import exec from 'k6/execution';
import { File } from './file.js';
import { Caller } from './http.js';
import { begun, committed, failed } from './metrics.js';
import { Upload } from './upload.js';

// transfer uploads one file, reads it back and removes it, by way of base.
// before is called with the upload before each chunk but the first.
export function transfer(s, reference, { base, before = () => {} } = {}) {
  const { name, startTime } = exec.scenario;
  const path = `/load/${name}/${startTime} ${__VU}-${__ITER}.bin`;
  begun.add(1);
  try {
    carry(new Upload(new Caller(s, base), new File(s.fileBytes, s.chunkBytes), path, reference), before);
  } catch (e) {
    failed.add(1);
    throw e;
  }
  committed.add(1);
}

function carry(upload, before) {
  while (!upload.done) {
    if (upload.id) {
      before(upload);
    }
    if (!upload.done) {
      upload.append();
    }
  }
  upload.commit();
  upload.readBack();
  upload.remove();
}

// referenceChunks is how many chunks the reference is taken from.
const referenceChunks = 11;

// reference is how long a chunk takes while nobody else is there: the median
// of some, in ms.
export function reference(s, base) {
  const file = new File(referenceChunks * s.chunkBytes, s.chunkBytes);
  const upload = new Upload(new Caller(s, base), file, `/load/reference/${Date.now()}.bin`);
  carry(upload, () => {});
  const sorted = upload.durations.sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(`reference: a chunk of ${s.LOAD_CHUNK_MB} MiB alone takes ${median.toFixed(1)} ms`);
  return median;
}
