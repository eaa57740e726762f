. "$(dirname "$0")/lib.sh"
need git
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
g() { $RUN git "$@"; }
g init -q -b main origin
cd origin || exit 1
for i in $(seq 1 60); do
    seq 1 $((i * 20)) >"file$((i % 7))"
    g add -A && g commit -q -m "commit $i"
done
g log --format=%H | head -n 3
g checkout -q -b side HEAD~10 && echo side >side && g add side && g commit -q -m side && g checkout -q main && g merge -q -m merged side
g rev-parse HEAD
cd ..
g clone -q origin copy 2>&1
cd copy || exit 1
g gc -q
g fsck 2>&1
g log --oneline | md5sum
g diff HEAD~5 | md5sum
echo x >>file1 && g stash -q && g stash pop -q && g diff --stat
g grep -c 37 | sort
g archive HEAD | tar t | sort | md5sum
