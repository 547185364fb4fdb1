#!/bin/sh
# The cluster guide against a real Slurm on this machine: sudo sh tests/slurm.sh
#
# Opt-in: it installs Debian's slurmctld, slurmd and munge, writes /etc/slurm/slurm.conf, and stops
# at its end the daemons it started. Needs root and apt-get; no systemd, cgroups or database.
# Runs scripts/generate-array.sbatch as an array of four, kills one task in the middle and requeues it,
# merges, and compares the digest with an unsharded file's.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "tests/slurm.sh installs and starts Slurm: run it as root"; exit 2; }
binary=${CORTEX_HOST:-target/release/cortex-host}
if [ -z "${CORTEX_HOST:-}" ]; then
    cargo build -q --release -p cortex-host
fi
binary=$(realpath "$binary")

if ! command -v slurmctld >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        slurmctld slurmd slurm-client munge >/dev/null
fi

work=$(mktemp -d)
started=""
cleanup() {
    for pid in $started; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir -p /run/munge /etc/slurm /var/spool/slurmctld /var/spool/slurmd
chown munge:munge /run/munge
[ -f /etc/munge/munge.key ] || mungekey -c
chown munge /etc/munge/munge.key
if [ ! -S /run/munge/munge.socket.2 ]; then
    runuser -u munge -- munged --force
    started="$started $(cat /run/munge/munged.pid)"
fi
host=$(hostname -s)
cat >/etc/slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld -c
sleep 2
slurmd
sleep 4
started="$started $(cat "$work/slurmctld.pid") $(cat "$work/slurmd.pid")"
sinfo

export PATH="$(dirname "$binary"):$PATH"
export OUT="$work/data.float32"
# Long enough to be killed in the middle.
export PARAMETERS="${PARAMETERS:-pink_noise 1024 1000 600}"
export OPTIONS="--primitive primitives/datasets/v2/synthetic --seed 42"

job=$(sbatch --parsable --array=1-4 --mem=0 --cpus-per-task=1 --output="$work/task-%a.log" scripts/generate-array.sbatch)
echo "array job $job"

# Kill task 2 once it runs and before it is finished.
tries=0
until [ "$(squeue -h -r -j "${job}_2" -t running -o %T 2>/dev/null)" = RUNNING ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "task 2 never ran"; exit 1; }
    sleep 0.1
done
sleep 0.3
if [ -e "$OUT.shard-2-of-4.manifest.yaml" ]; then
    echo "task 2 was too fast to be killed: set PARAMETERS to more data"
    exit 1
fi
scontrol requeue "${job}_2"
echo "task 2 killed and requeued"

tries=0
while [ -n "$(squeue -h -j "$job" 2>/dev/null)" ]; do
    # A requeued job waits two minutes for its node to settle; release it at once.
    scontrol update "JobId=${job}_2" StartTime=now >/dev/null 2>&1 || true
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "the array does not end"; squeue; exit 1; }
    sleep 0.5
done
cat "$work"/task-*.log
cortex-host merge "$OUT"
# shellcheck disable=SC2086
cortex-host generate $PARAMETERS "$work/whole.float32" $OPTIONS

sharded=$(sha256sum <"$OUT")
whole=$(sha256sum <"$work/whole.float32")
echo "sharded $sharded"
echo "whole   $whole"
[ "$sharded" = "$whole" ] || { echo "the merged file differs"; exit 1; }
echo "the sharded file is the unsharded one"
