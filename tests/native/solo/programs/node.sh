. "$(dirname "$0")/lib.sh"
need node
cat >all.js <<'JS'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { execFileSync, spawn } = require('child_process');
const crypto = require('crypto'), fs = require('fs'), http = require('http'), zlib = require('zlib');
function hot(n) { let x = 0x050f; for (let i = 0; i < n; i++) x = (Math.imul(x, 0x050f0f05) + i) | 0; return x; }
if (!isMainThread) { parentPort.postMessage([workerData, hot(3e6)]); return; }
(async () => {
  console.log('jit', hot(2e7));
  const all = await Promise.all([1, 2, 3, 4].map(n => new Promise((ok, no) => {
    const w = new Worker(__filename, { workerData: n }); w.on('message', ok); w.on('error', no);
  })));
  console.log('workers', JSON.stringify(all));
  console.log('child', execFileSync('sh', ['-c', 'echo from a child']).toString().trim());
  const code = await new Promise(ok => spawn('sh', ['-c', 'exit 9']).on('exit', ok));
  console.log('exit', code);
  const server = http.createServer((q, r) => r.end(q.url.repeat(1000)));
  await new Promise(ok => server.listen(0, '127.0.0.1', ok));
  const port = server.address().port;
  const bodies = await Promise.all([...Array(100).keys()].map(i => fetch(`http://127.0.0.1:${port}/${i}`).then(r => r.text())));
  console.log('http', crypto.createHash('md5').update(bodies.join('')).digest('hex'));
  server.close(); server.closeAllConnections();
  const packed = await Promise.all([...Array(8).keys()].map(i => new Promise((ok, no) => zlib.gzip(Buffer.alloc(200000, i), (e, b) => e ? no(e) : ok(b.length)))));
  console.log('zlib', packed.every(n => n > 0));
  await new Promise(ok => { process.on('SIGUSR2', ok); process.kill(process.pid, 'SIGUSR2'); });
  console.log('signal');
  fs.writeFileSync('f', 'x'.repeat(1e6)); console.log('file', fs.readFileSync('f').length);
  let junk = []; for (let i = 0; i < 2e6; i++) { junk.push({ i }); if (junk.length > 1e5) junk = []; }
  console.log('gc');
})();
JS
$RUN node all.js
say "exit $?"
