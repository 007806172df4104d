"""A client that is made from the OpenAPI document of a running Bailiwick, with the standard library of Python only.

BAILIWICK_URL and BAILIWICK_KEY (of an orchestrator) from the environment, or of the local installation.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Problem(Exception):
    """A refusal, as `components.schemas.Problem` describes it."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body.get('code')}: {body.get('detail')}")
        self.status, self.code, self.reasons = status, body.get("code"), body.get("reasons", [])


class Client:
    """One method per operation, under its `operationId`: path and query parameters by name, and `body`."""

    def __init__(self, url, key):
        self.key = key
        document = json.loads(urllib.request.urlopen(f"{url}/openapi.json").read())
        self.server = document["servers"][0]["url"]
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def __getattr__(self, name):
        if name not in self.operations:
            raise AttributeError(name)
        return lambda **given: self.call(name, **given)

    def call(self, name, body=None, **given):
        method, path, operation = self.operations[name]
        query, headers = {}, {"accept": "application/json"}
        for parameter in operation.get("parameters", []):
            key, place = parameter["name"], parameter["in"]
            if parameter["required"] and key not in given:
                raise TypeError(f"{name} needs {key}")
            if place == "path":
                path = path.replace("{" + key + "}", urllib.parse.quote(str(given.pop(key)), safe=""))
            elif place == "query" and key in given:
                query[key] = given.pop(key)
            elif key == "Idempotency-Key":
                headers[key] = given.pop("idempotency_key", None) or str(uuid.uuid4())
        if given:
            raise TypeError(f"{name} takes no {', '.join(given)}")
        content = operation.get("requestBody", {}).get("content", {})
        if (body is None) != ("application/json" not in content):
            raise TypeError(f"{name} {'needs a' if body is None else 'takes no'} body")
        if body is not None:
            headers["content-type"] = "application/json"
        if "security" in operation:
            headers["authorization"] = f"Bearer {self.key}"
        url = self.server + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise Problem(error.code, json.loads(error.read() or "{}")) from None


if __name__ == "__main__":
    if "BAILIWICK_URL" in os.environ:
        url, key = os.environ["BAILIWICK_URL"], os.environ["BAILIWICK_KEY"]
    else:
        with open(os.path.join(os.environ.get("BAILIWICK_DATA", ".bailiwick"), "credentials.json")) as file:
            credentials = json.load(file)
        url, key = credentials["url"], credentials["keys"]["orchestrator"]

    opened = Client(url, key).post__v1_runs(
        body={
            "agent": {"class": "reader"},
            "requestedBy": "user:ada@example.com",
            "purpose": "Read the documentation",
            "grant": {
                "actions": {"allow": ["file.read"]},
                "resources": [{"type": "file", "match": "docs/**"}],
                "budget": {"calls": 5, "reads": 5},
                "time": {"ttl": "10m"},
            },
        }
    )
    run = Client(url, opened["token"])
    for path in ["docs/intro.md", "secrets/token.txt"]:
        call = {
            "grantId": opened["grant"]["id"],
            "action": {"verb": "file.read", "tool": "read_file", "args": {"path": path}},
            "resource": {"type": "file", "id": path},
        }
        once = str(uuid.uuid4())
        decided = run.post__v1_actions(body=call, idempotency_key=once)
        again = run.post__v1_actions(body=call, idempotency_key=once)
        print(decided["decision"], path, "once" if again["actionId"] == decided["actionId"] else "twice")
        if decided["decision"] == "permit":
            run.post__v1_actions_id_outcome(id=decided["actionId"], body={"status": "completed"})
    try:
        run.post__v1_grants_id_delegations(
            id=opened["grant"]["id"], body={"agent": {"class": "helper"}, "task": "Help", "grant": {}}
        )
    except Problem as problem:
        print("refused", problem.code)
    run.post__v1_runs_id_completion(id=opened["run"]["id"], body={})
    print("the run is done")
