"""`router-policy` whose runs do not ignore the signals that are meant for the schedule. For negative controls.

python -m tests.faults.without_signal_shield run --config FILE
"""

import jobs.run.child_process
from console.main import main

# Not under the guard below: the processes that it starts import this module, and must be as open to signals.
jobs.run.child_process.PARENTS_SIGNALS = ()  # type: ignore[assignment]  # no signal at all is another type to mypy

if __name__ == "__main__":
    main()
