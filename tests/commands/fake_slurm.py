"""A cluster of one machine: `sbatch` runs the job scripts that it is given, `scontrol requeue` has them run again."""

from pathlib import Path

_SBATCH = """\
#!/usr/bin/env bash
here=$(dirname "$0"); script=$1
cp "$script" "$here/script.sh"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
export SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_JOB_NAME=fundus-unet
for task in $(seq 0 "${last:-0}"); do
  (
    id=7
    if [ -n "$last" ]; then id=7_$task; export SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task; fi
    export SLURM_JOB_ID=7 FAKE_ID=$id
    while :; do
      bash "$script"
      [ -e "$here/requeue.$id" ] || break
      mv "$here/requeue.$id" "$here/requeued.$id"
    done
    touch "$here/done.$id"
  ) > /dev/null 2>&1 &
done
echo "Submitted batch job 7"
"""
_SRUN = """\
#!/usr/bin/env bash
here=$(dirname "$0")
out=/dev/null
while [ $# -gt 0 ]; do
  case $1 in
    --output) out=${2//%A/7}; out=${out//%a/$SLURM_ARRAY_TASK_ID}; out=${out//%j/7}; out=${out//%t/0}; shift 2;;
    --error) shift 2;;
    --*) shift;;
    *) break;;
  esac
done
mkdir -p "$(dirname "$out")"
echo $$ > "$here/pid.$FAKE_ID"
exec "$@" >> "$out" 2>&1
"""
_SCONTROL = '#!/usr/bin/env bash\n[ "$1" = requeue ] && touch "$(dirname "$0")/requeue.$2"\n'
_SACCT = """\
#!/usr/bin/env bash
here=$(dirname "$0"); echo "JobID|State|NodeList"
for pid in "$here"/pid.*; do
  id=${pid##*/pid.}
  if [ -e "$here/done.$id" ]; then echo "$id|COMPLETED|here"; else echo "$id|RUNNING|here"; fi
done
"""


def write_commands(folder: Path) -> None:
    """Write the commands of the cluster, to be put in front of PATH."""
    folder.mkdir()
    for name, text in {"sbatch": _SBATCH, "srun": _SRUN, "scontrol": _SCONTROL, "sacct": _SACCT}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
