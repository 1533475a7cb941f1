"""`python -m laurel_mp` is `laurel-mp`."""

import sys

from laurel_mp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
