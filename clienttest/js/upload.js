// Uploads a file with dropbox-js 0.10.3, unmodified, through its resumable
// upload calls, and reads it back. The library is pointed at the server by its
// own options.
'use strict';

const { createHash } = require('crypto');
const fs = require('fs');
const { Client } = require('dropbox');

const [baseURL, token, file, path, chunkBytes] = process.argv.slice(2);
if (!chunkBytes) {
  console.error('usage: upload.js BASE-URL TOKEN FILE PATH CHUNK-BYTES');
  process.exit(2);
}

const client = new Client({
  key: 'key',
  token,
  uid: '1',
  server: baseURL, // without the `$` of api$.dropbox.com, so there is one host
  authServer: baseURL,
  fileServer: baseURL,
  downloadServer: baseURL,
  notifyServer: baseURL,
  maxApiServer: 0,
});

// step sends one chunk. The library hands a 400 that carries an offset over as
// success (PROTOCOL 2.2, JS); this driver expects none.
const step = (data, cursor) =>
  new Promise((resolve, reject) =>
    client.resumableUploadStep(data, cursor, (err, next) => (err ? reject(err) : resolve(next))));

const finish = (cursor) =>
  new Promise((resolve, reject) =>
    client.resumableUploadFinish(path, cursor, (err, stat) => (err ? reject(err) : resolve(stat))));

async function upload() {
  const size = Number(chunkBytes);
  const data = fs.readFileSync(file);
  let cursor = null;
  do {
    const start = cursor ? cursor.offset : 0;
    const chunk = data.subarray(start, start + size);
    cursor = await step(chunk, cursor);
    if (cursor.offset !== start + chunk.length) {
      throw new Error(`offset ${cursor.offset} after the chunk at ${start}`);
    }
  } while (cursor.offset < data.length);
  return finish(cursor);
}

const stat = () =>
  new Promise((resolve, reject) =>
    client.stat(path, (err, found) => (err ? reject(err) : resolve(found))));

const readFile = () =>
  new Promise((resolve, reject) =>
    client.readFile(path, { buffer: true }, (err, data) => (err ? reject(err) : resolve(data))));

async function roundTrip() {
  const made = await upload();
  const found = await stat();
  const data = await readFile();
  return {
    path: made.path,
    bytes: made.size,
    found: { path: found.path, bytes: found.size },
    sha256: createHash('sha256').update(data).digest('hex'),
  };
}

roundTrip().then(
  (result) => console.log(JSON.stringify(result)),
  (err) => {
    console.error(String(err));
    process.exit(1);
  },
);
