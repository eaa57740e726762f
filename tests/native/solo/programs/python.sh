. "$(dirname "$0")/lib.sh"
need /usr/bin/python3
cat >all.py <<'PY'
import asyncio, hashlib, multiprocessing, os, queue, signal, socket, subprocess, threading, time
def work(n):
    return n, hashlib.sha256(str(n).encode() * 1000).hexdigest()
def threads():
    q, out = queue.Queue(), []
    def run():
        while (n := q.get()) is not None:
            out.append(work(n))
    ts = [threading.Thread(target=run) for _ in range(8)]
    [t.start() for t in ts]
    [q.put(i) for i in range(500)]
    [q.put(None) for _ in ts]
    [t.join() for t in ts]
    print("threads", hashlib.md5(repr(sorted(out)).encode()).hexdigest())
def processes():
    for i in range(10):
        r = subprocess.run(["sh", "-c", f"read x; echo got $x; exit {i}"], input=b"word\n", capture_output=True)
        print(r.stdout, r.returncode)
    with multiprocessing.Pool(4) as pool:
        print("pool", hashlib.md5(repr(pool.map(work, range(200))).encode()).hexdigest())
    ctx = multiprocessing.get_context("spawn")
    with ctx.Pool(2) as pool:
        print("spawn", pool.map(abs, [-1, -2, -3]))
    try:
        subprocess.run(["sleep", "5"], timeout=0.05)
    except subprocess.TimeoutExpired:
        print("timeout")
def signals():
    seen = []
    signal.signal(signal.SIGUSR1, lambda n, f: seen.append(n))
    for _ in range(50):
        os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGALRM, lambda n, f: seen.append(n))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        subprocess.run(["true"])
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("signals", seen.count(signal.SIGUSR1), seen.count(signal.SIGALRM) > 5)
async def server():
    async def serve(r, w):
        while line := await r.readline():
            w.write(line.upper()); await w.drain()
        w.close()
    s = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]
    async def client(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        out = []
        for k in range(50):
            w.write(f"line {i} {k}\n".encode()); out.append(await r.readline())
        w.close()
        return b"".join(out)
    print("asyncio", hashlib.md5(b"".join(await asyncio.gather(*map(client, range(20))))).hexdigest())
if __name__ == "__main__":
    threads(); processes(); signals(); asyncio.run(server())
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
$RUN /usr/bin/python3 all.py
say "exit $?"
$RUN /usr/bin/python3 -c 'import os; os.abort()' 2>/dev/null
say "abort $?"
