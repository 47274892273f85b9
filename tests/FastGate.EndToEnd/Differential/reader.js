// What Node's HTTP reads, for the differential tests: `serve SOCKET` tells of each request in its answer, `fetch PORT`
// asks for what stands on its standard input and prints a line of JSON for each answer. It ends with its input.
'use strict';
const http = require('http');
const readline = require('readline');

const [mode, where] = process.argv.slice(2);

function pairs(raw) {
  const all = [];
  for (let i = 0; i < raw.length; i += 2) {
    all.push([raw[i], raw[i + 1]]);
  }
  return all;
}

function read(message, start, done) {
  const parts = [];
  message.on('data', part => parts.push(part));
  message.on('end', () => done({
    start,
    fields: pairs(message.rawHeaders),
    body: Buffer.concat(parts).toString('latin1'),
    trailers: pairs(message.rawTrailers),
  }));
}

function tell(request, response) {
  read(request, `${request.method} ${request.url}`, reading => {
    response.writeHead(200, {
      'Content-Length': 0,
      'X-Read': Buffer.from(JSON.stringify(reading)).toString('base64'),
    });
    response.end();
  });
}

function serve() {
  const options = { insecureHTTPParser: false, maxHeaderSize: 1 << 20, requestTimeout: 0, headersTimeout: 0 };
  const server = http.createServer(options, tell);
  server.maxHeadersCount = 0;
  server.on('checkExpectation', tell);
  server.listen(where, () => console.log(JSON.stringify({ methods: http.METHODS })));
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

function fetchOne(agent, method, path) {
  return new Promise(done => {
    const options = {
      host: '127.0.0.1', port: where, method, path, agent, insecureHTTPParser: false, maxHeaderSize: 1 << 20,
    };
    const request = http.request(options, response => {
      response.on('error', error => done({ cut: error.code }));
      read(response, `${response.statusCode} ${response.statusMessage}`, done);
    });
    request.on('error', error => done({ cut: error.code }));
    request.end();
  });
}

async function fetchAll() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await fetchOne(agent, ...line.split(' '))));
  }
  process.exit(0);
}

(mode === 'serve' ? serve : fetchAll)();
