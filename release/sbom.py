#!/usr/bin/env python3
"""Writes what is built into the binary as CycloneDX JSON: sbom.py TARGET

Crates that are linked into `mesej` or run while it is built, as `Cargo.lock` has them for the target; no test's dependencies.
"""

import json
import re
import subprocess
import sys
import tomllib

NEEDED = {None, "build"}  # the kinds of dependencies that cargo knows, but for "dev"


def packages(target):
    """The product, and every package that it needs with what that one needs, by id."""
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target],
            check=True,
            capture_output=True,
        ).stdout
    )
    known = {package["id"]: package for package in metadata["packages"]}
    needs = {
        node["id"]: [
            dep["pkg"] for dep in node["deps"] if any(kind["kind"] in NEEDED for kind in dep["dep_kinds"])
        ]
        for node in metadata["resolve"]["nodes"]
    }
    root = next(id for id in metadata["workspace_members"] if known[id]["name"] == "mesej")
    reached, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package not in reached:
            reached.add(package)
            waiting.extend(needs[package])
    return root, {id: (known[id], needs[id]) for id in reached}


def checksums():
    with open("Cargo.lock", "rb") as lock:
        return {
            (package["name"], package["version"]): package["checksum"]
            for package in tomllib.load(lock)["package"]
            if "checksum" in package
        }


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    described = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        described["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def main(target):
    root, needed = packages(target)
    sums = checksums()
    product = component(needed[root][0], sums) | {"type": "application"}
    libraries = [component(package, sums) for id, (package, _) in needed.items() if id != root]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": product, "properties": [{"name": "cargo:target", "value": target}]},
        "components": sorted(libraries, key=lambda library: library["purl"]),
        "dependencies": sorted(
            (
                {"ref": purl(package), "dependsOn": sorted({purl(needed[id][0]) for id in needs})}
                for package, needs in needed.values()
            ),
            key=lambda entry: entry["ref"],
        ),
    }
    json.dump(bill, sys.stdout, indent=1)
    print()


main(sys.argv[1])
