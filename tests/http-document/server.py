"""`writ up` for the time of a check, and something of each kind in it."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from local_aws.failure import Failure

URI = "ip_allowlist:1.0-beta"

# The document's examples are about a policy of this name; the example of a management request has
# its command.
ALLOWLIST = {
    "name": "ip_allowlist", "version": "1.0", "release_tag": "beta", "code_type": "python",
    "code": """
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.parameters = parameters

    def eval(self, parameters, input_data, context):
        print("asked for", input_data["ip"])
        return {"allowed": input_data["ip"] in parameters.get("local_allowlist", [])}

    def management(self, action, data):
        return {"shown": data}
""",
    "policy_input_schema": {"ip": {"type": "string", "required": True}},
    "policy_output_schema": {"allowed": {"type": "boolean", "required": True}},
    "policy_parameters": {"local_allowlist": ["10.0.0.1"]},
    "management_commands_schema": [{"name": "show"}],
}

# Its runs differ, so that the plan of another policy has groups.
LIMITS = {
    "name": "limits", "version": "1", "release_tag": "x", "code_type": "rego",
    "code": "package limits\n\ndefault allowed := false\n\nallowed if input.n < 3\n",
}


class Server:
    """The embedded platform on a free port of loopback, in memory alone."""

    def __init__(self, writ: Path, state: Path) -> None:
        self._command = [str(writ), "-o", "json", "up", "--ephemeral", "--port", "0",
                         "--allow-weak-sandbox"]
        self._log = state / "server.log"
        self.url = ""

    def __enter__(self) -> Server:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log,
                                             text=True)
        assert self._process.stdout is not None
        try:
            self.url = json.loads(self._process.stdout.readline())["url"]
        except (ValueError, KeyError) as error:
            self.__exit__()
            raise Failure(f"`{' '.join(self._command)}` did not start:\n{self.log_tail()}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        """The last lines that speak of an error or a warning."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if " INFO " not in line][-20:])

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a reply, which is a success."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def seed(self) -> dict[str, list[str]]:
        """Makes objects of each kind; their names by the path parameter that takes them."""
        for policy in (ALLOWLIST, LIMITS):
            self.send("POST", "/policy", policy)
        run = "/executor/builtin/execute_policy"
        runs = [self.send("POST", run, {"policy_rule_uri": URI, "input_data": {"ip": ip}})
                for ip in ("10.0.0.1", "10.0.0.9")]
        runs += [self.send("POST", run, {"policy_rule_uri": "limits:1-x", "input_data": {"n": n}})
                 for n in range(5)]
        job = {"name": "check", "policy_rule_uri": URI, "inputs": {"ip": "10.0.0.1"}}
        done = self.send("POST", "/jobs/submit", job)["job_id"]
        self.send("GET", f"/jobs/{done}?wait=20")
        tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
        later = self.send("POST", "/jobs/submit", {**job, "not_before": tomorrow})["job_id"]
        run_of = {"policy_rule_uri": URI, "input_data": {"ip": "10.0.0.1"}}
        # The document's example is `nightly-check`, which is left for it to make.
        self.send("POST", "/schedules", {"name": "weekly-check", "schedule_expression": "rate(7 days)",
                                         "target": {"policy": run_of}})
        token = self.send("POST", "/token", {"subject": "ci", "role": "reader"})["data"]["token_id"]
        return {
            "uri": [URI, "limits:1-x"],
            "id": [run["execution_id"] for run in runs],
            "job_id": [done, later],
            "name": ["weekly-check", "nightly-check"],
            "token_id": [token],
            "executor_id": ["builtin"],
        }
