"""What Schemathesis is told of the API beside the document: what a request needs to be there before, and which
refusals of valid requests rest on rules that no schema can say."""

import itertools
import os

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import positive_data_acceptance

API_KEY = os.environ["TENON_API_KEY"]

SALE = {"type": "SALE", "amount": 2500, "currency": "NZD"}
PRE_AUTH = {"type": "PRE_AUTH", "amount": 2500, "currency": "NZD"}

# What an operation is about: a request that makes it, and whether its amount and currency are the same.
GIVEN = {
    "createRefund": ("/v1/transaction/sale", SALE),
    "createVoid": ("/v1/transaction/sale", SALE),
    "completePreAuth": ("/v1/transaction/pre-auth", PRE_AUTH),
    "completeTransaction": ("/v1/transaction/initiate", SALE),
    "abortTransaction": ("/v1/transaction/initiate", SALE),
    "getTransaction": ("/v1/transaction/sale", SALE),
}

# Rules of the API that a schema does not say, by the member and the constraint that a refusal names. A valid
# request may break them; every other refusal of a valid request is a finding.
BEYOND_A_SCHEMA = {
    ("currency", "pattern"): "ISO 4217 has fewer codes than there are three letters",
    ("currency", "enum"): "the terminal takes its own currencies",
    ("amount", "maximum"): "the merchant's ceiling is not in the document",
    ("tipAmount", "maximum"): "the ceiling is for the sum",
    ("cashbackAmount", "maximum"): "the ceiling is for the sum",
    ("amount", "const"): "a void is for the whole amount of its original",
    ("originalTransactionId", "*"): "the original has to allow it",
    ("transactionId", "running"): "what has ended is not aborted",
    ("transactionId", "*"): "only what is asked about can be decided",
    ("prompt", "secret"): "a question may not be about secrets, which are words",
    ("prompt", "minLength"): "blanks alone are no question",
    ("options", "minLength"): "blanks alone are no option",
    ("issuerScripts", "format"): "templates have tags and lengths",
    ("minLength", "maximum"): "the bound is the other member",
    ("lines", "pattern"): "a pattern leaves the invisible characters above the first 65,536 out",
    ("prompt", "pattern"): "as in lines",
    ("options", "pattern"): "as in lines",
    ("entryMode", "enum"): "the engine does not read every kind of card",
    (None, None): "the engine does not have every kind of transaction",
    ("*", "type"): "2500.0 is an integer for a schema; the API takes none with a fraction, and says so",
}

taken = itertools.count()


def _send(case, path, body):
    """Makes what an operation needs. `None` when the terminal is at something else."""
    url = case.operation.base_url.rstrip("/") + path
    response = requests.post(url, json=body, headers={"X-Api-Key": API_KEY}, timeout=30)
    return response.json() if response.status_code == 200 else None


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Lets every second valid request be about something that is there."""
    name = case.operation.definition.raw.get("operationId")
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if name not in GIVEN or not valid or next(taken) % 2:
        return
    made = _send(case, *GIVEN[name])
    if made is None:
        return
    if "transactionId" in (case.path_parameters or {}):
        case.path_parameters["transactionId"] = made["transactionId"]
    elif isinstance(case.body, dict) and "originalTransactionId" in case.body:
        case.body.update({
            "originalTransactionId": made["transactionId"], "amount": 2500, "currency": "NZD",
        })
        for more in ("tipAmount", "cashbackAmount"):
            case.body.pop(more, None)
    elif isinstance(case.body, dict):
        case.body["transactionId"] = made["transactionId"]


@schemathesis.hook
def after_call(ctx, case, response):
    """Ends what was only initiated, unless a sequence is to go on with it: else the terminal is busy for a while."""
    name = case.operation.definition.raw.get("operationId")
    in_sequence = case.meta is not None and case.meta.phase.name == TestPhase.STATEFUL
    if name == "initiateTransaction" and response.status_code == 200 and not in_sequence:
        _send(case, f"/v1/transaction/{response.json()['transactionId']}/abort", None)


def _beyond_a_schema(response):
    """Whether a refusal names a rule that no schema says."""
    if response.status_code != 400:
        return False
    details = response.json().get("details", {})
    rule = details.get("constraint")
    field = details.get("field")
    if field is None:
        return "transactionId" in details and (None, None) in BEYOND_A_SCHEMA
    field = field.split("[")[0]
    return any((of, constraint) in BEYOND_A_SCHEMA for of in (field, "*") for constraint in (rule, "*"))


@schemathesis.check
def valid_is_accepted(ctx, response, case):
    """Valid requests are accepted, but for the rules that no schema says."""
    if _beyond_a_schema(response):
        return None
    return positive_data_acceptance(ctx, response, case)
