"""`router-policy` without its two guards: every claim is granted and no fence is checked. For negative controls.

python -m tests.faults.without_lease_checks run --config FILE
"""

from console.main import main
from tests.faults.broken import grant_every_claim, ignore_the_fence

# Not under the guard below: the processes that it starts import this module, and must be careless too.
grant_every_claim()
ignore_the_fence()

if __name__ == "__main__":
    main()
