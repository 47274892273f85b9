"""`python3 -m unittest discover -s perf-scenarios -t perf-scenarios` runs these."""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
