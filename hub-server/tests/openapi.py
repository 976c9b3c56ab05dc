"""Validates an OpenAPI 3.1 document, and answers of the hub by its schemas: openapi.py DOCUMENT ANSWERS."""
import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


def close(schema):
    """No object may have members that the document does not name."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


document, answers = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
OpenAPIV31SpecValidator(document).validate()
close(document["components"]["schemas"])
for shape, answer in answers:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": document["components"]}
    faults = [f"{shape} {list(fault.path)}: {fault.message}" for fault in Draft202012Validator(schema).iter_errors(answer)]
    assert not faults, faults
print(len(answers), "answers are as described")
