"""The CI job of a first day, for the CI that the project has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

_RUN = "pytest tests/deploy --deploy-env={env} --deploy-report=deploycheck.json"


class FirstJob(Struct, frozen=True):
    """A CI and its job.

    Attributes:
        name: The name of the CI.
        traces: The files or folders by which a project is known to use it.
        path: The file of the job.
        text: Returns the file, for an environment and a region.
        next_step: What is left to do by hand.
    """

    name: str
    traces: tuple[str, ...]
    path: str
    text: Callable[[str, str], str]
    next_step: str


def _github(env: str, region: str) -> str:
    return f"""name: deploycheck

on:
  workflow_dispatch:
    inputs:
      image:
        description: The image that was to be shipped, a tag or a digest
        required: false
        type: string
  workflow_call:
    inputs:
      image:
        required: false
        type: string

permissions:
  contents: read
  id-token: write # for the role

jobs:
  verify:
    runs-on: ubuntu-latest
    environment: {env}
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.13"
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: ${{{{ vars.DEPLOYCHECK_ROLE }}}}
          aws-region: {region}
      - run: pip install pytest-deploycheck
      - run: {_RUN.format(env=env)}
        env:
          DEPLOYCHECK_IMAGE: ${{{{ inputs.image }}}}
      - if: always()
        uses: actions/upload-artifact@v6
        with:
          name: deploycheck
          path: deploycheck.json
"""


def _gitlab(env: str, region: str) -> str:
    return f"""deploycheck:
  stage: .post
  image: python:3.13
  environment:
    name: {env}
    action: verify
  id_tokens:
    AWS_TOKEN:
      aud: https://gitlab.com
  variables:
    AWS_DEFAULT_REGION: {region}
    AWS_WEB_IDENTITY_TOKEN_FILE: /tmp/aws-token
    # AWS_ROLE_ARN and, where an image has to be named, DEPLOYCHECK_IMAGE are variables of the project or the pipeline.
  script:
    - echo "$AWS_TOKEN" > /tmp/aws-token
    - pip install pytest-deploycheck
    - {_RUN.format(env=env)} --junitxml=deploycheck.xml
  artifacts:
    when: always
    paths: [deploycheck.json]
    reports:
      junit: deploycheck.xml
"""


def _codebuild(env: str, region: str) -> str:
    return f"""version: 0.2

env:
  variables:
    AWS_DEFAULT_REGION: {region}

phases:
  install:
    runtime-versions:
      python: 3.13
    commands:
      - pip install pytest-deploycheck
  build:
    commands:
      - {_RUN.format(env=env)} --junitxml=deploycheck.xml

reports:
  deploycheck:
    files: deploycheck.xml

artifacts:
  files: deploycheck.json
"""


def _buildkite(env: str, region: str) -> str:
    return f"""steps:
  - label: deploycheck
    command:
      - pip install pytest-deploycheck
      - {_RUN.format(env=env)}
    env:
      AWS_DEFAULT_REGION: {region}
    artifact_paths: deploycheck.json
"""


JOBS = (
    FirstJob(
        "GitHub Actions",
        (".github",),
        ".github/workflows/deploycheck.yml",
        _github,
        "set the variable DEPLOYCHECK_ROLE of the environment to the ARN of the role, and call the workflow after the "
        "deployment",
    ),
    FirstJob(
        "GitLab",
        (".gitlab-ci.yml",),
        "deploycheck.gitlab-ci.yml",
        _gitlab,
        "in .gitlab-ci.yml: include: [{ local: deploycheck.gitlab-ci.yml }], and set AWS_ROLE_ARN",
    ),
    FirstJob(
        "CodeBuild",
        ("buildspec.yml", "buildspec.yaml"),
        "buildspec-deploycheck.yml",
        _codebuild,
        "make a CodeBuild project with this buildspec, and a stage for it after the deployment",
    ),
    FirstJob(
        "Buildkite",
        (".buildkite",),
        ".buildkite/deploycheck.yml",
        _buildkite,
        "upload it after the deployment: buildkite-agent pipeline upload .buildkite/deploycheck.yml",
    ),
)
"""The CIs for which a job is written."""


def jobs_of(folder: Path) -> list[FirstJob]:
    """Return the jobs for the CIs that a project has."""
    return [job for job in JOBS if any((folder / trace).exists() for trace in job.traces)]


FIRST_TEST = '''"""The tests of the deployment beside the built-in checks: pytest tests/deploy --deploy-env={env}."""


def test_every_task_runs_the_image(deployed_image, running_tasks):
    assert running_tasks.digests <= deployed_image.digests


def test_the_rollout_is_complete(deployment):
    assert deployment.outcome == "COMPLETED"
    assert deployment.running >= deployment.desired


# Your own proof that the new code works, such as a line that it logs:
#
# def test_the_new_code_runs(deploy_logs):
#     assert "a line that only the new code logs" in deploy_logs
'''
"""The first test file."""

TEST_PATH = "tests/deploy/test_deployment.py"
