"""One run of the DAG by Airflow's own `dag.test()`, in Airflow's environment: prints how each task ended, as JSON."""

import json
import sys

sys.path.insert(0, sys.argv[1])
import tag_importer_fleet

run = tag_importer_fleet.tag_importer_fleet().test()
ended = [(task.task_id, task.map_index, str(task.state), task.try_number) for task in run.get_task_instances()]
print("ENDED", json.dumps({"state": str(run.state), "tasks": ended}))
