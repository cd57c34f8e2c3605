"""One question of the doctor's by itself, as JSON: ``python -m tests.bootstrap.doctor_asks``'s words are its
module and the options of ``locate``; far quicker than asking all of them.
"""

import importlib
import json
import os
import sys

from bootstrap.doctor.finding import Patient
from bootstrap.place import Options, locate

module, host, profile = sys.argv[1:4]
patient = Patient(locate(Options(profile=profile), os.environ), os.environ, host)
findings = importlib.import_module(f"bootstrap.doctor.{module}").look(patient)
print(json.dumps([finding._asdict() for finding in findings]))
