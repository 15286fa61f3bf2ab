// All that can be set is in ../settings.json, with the defaults of each
// scenario. No other file looks at the environment.
const table = JSON.parse(open(import.meta.resolve('../settings.json')));

const MiB = 1 << 20;

// settings are the values for a scenario, under their names, and the sizes also
// in bytes.
export function settings(scenario) {
  const s = {};
  for (const [name, row] of Object.entries(table)) {
    s[name] = read(name, row.for?.[scenario] ?? row.default, row.zero);
  }
  s.BASE_URL = s.BASE_URL.replace(/\/+$/, '');
  s.fileBytes = Math.ceil(s.LOAD_FILE_MB * MiB);
  s.chunkBytes = Math.ceil(s.LOAD_CHUNK_MB * MiB);
  return s;
}

// read takes what is set, if anything, as the default's type.
function read(name, byDefault, zero) {
  const text = __ENV[name];
  if (!text) {
    return byDefault;
  }
  if (typeof byDefault === 'string') {
    return text;
  }
  const n = Number(text);
  if (!(n > 0 || (zero && n === 0))) {
    throw new Error(`${name} is not a number as it should be: ${text}`);
  }
  return n;
}
