"""HTML pages, such as the reference, rendered from the OpenAPI document; they load nothing from other hosts."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from kalends.errors import FAULT_CODES
from kalends.http.errors import PROBLEM_TYPES

ENVIRONMENT = Environment(
    loader=PackageLoader("kalends.rest.reference"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)


ORIGIN = "http://origin.invalid"
"""The placeholder in a page for the address by which it is requested."""


def draw(template: str, **values: Any) -> str:
    """Return a page rendered from a template."""
    return ENVIRONMENT.get_template(template).render(origin=ORIGIN, **values)


def reference_page(document: dict[str, Any]) -> str:
    """Return the page of the reference."""
    problems = {kind.code: (int(status), title) for kind, (status, title) in reversed(PROBLEM_TYPES.items())}
    return draw(
        "reference.html.j2",
        document=document,
        operations=operations_by_tag(document),
        problems=problems,
        fault_codes=FAULT_CODES,
        pretty=partial(json.dumps, indent=2, ensure_ascii=False),
        short=partial(json.dumps, ensure_ascii=False),
        kind_of=kind_of,
        limits_of=limits_of,
        resolved=partial(resolved, document),
        members_of=partial(members_of, document),
        curl=partial(curl_of, document),
    )


def operations_by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """Return method, path and operation of all operations, by tag."""
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]].append((method.upper(), path, operation))
    return found


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference leads to, or the one of the items of a list."""
    while True:
        if "$ref" in schema:
            _, _, section, name = schema["$ref"].split("/")
            schema = document["components"][section][name]
        elif "anyOf" in schema:
            schema = next(part for part in schema["anyOf"] if part.get("type") != "null")
        elif schema.get("type") == "array":
            schema = schema["items"]
        else:
            return schema


def members_of(
    document: dict[str, Any], schema: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield name, schema and whether it is required of each member of an object, and of those within."""
    body = resolved(document, schema)
    for name, member in body.get("properties", {}).items():
        path = above + name
        yield path, member, name in body.get("required", ())
        yield from members_of(document, member, f"{path}[]." if member.get("type") == "array" else f"{path}.")


def kind_of(schema: dict[str, Any]) -> str:
    """Return the words for what a schema allows."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind_of(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}"
    return str(schema.get("type", "any"))


def limits_of(schema: dict[str, Any]) -> str:
    """Return the text for the limits of a schema; empty if it has none."""
    for least, most, unit in (
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ):
        if most in schema:
            return f"{schema[least]} to {schema[most]:,}{unit}" if least in schema else f"up to {schema[most]:,}{unit}"
    return ""


def curl_of(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    """Return the command that calls an operation, with example ids."""
    for parameter in operation["parameters"]:
        given = resolved(document, parameter)
        if given["in"] == "path":
            path = path.replace("{" + given["name"] + "}", given["schema"]["examples"][0])
    lines = [f"curl -X {method} '{ORIGIN}{path}'"]
    if operation.get("security") != []:
        lines.append('  -H "Authorization: Bearer $TOKEN"')
    body = operation.get("requestBody")
    if body:
        example = json.dumps(body["content"]["application/json"]["example"], ensure_ascii=False)
        lines += ["  -H 'Content-Type: application/json'", f"  -d '{example}'"]
    return " \\\n".join(lines)
