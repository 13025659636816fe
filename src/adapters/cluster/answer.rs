//! What an answer of the API server means: the object, or a classified problem.

use std::marker::PhantomData;

use http::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Value;

use crate::apply::problem::{Problem, ProblemKind};
use crate::object::ObjectKey;
use crate::plan::observed::{ApiProblem, Cause, Conflict};

/// An answer as it came, its body complete.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// The `Status` of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
    reason: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    name: String,
    kind: String,
    causes: Vec<StatusCause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusCause {
    reason: String,
    message: String,
    field: String,
}

impl Answer {
    /// The body as JSON, if the server did what was asked.
    pub(super) fn json(self, what: &str, writes: bool) -> Result<Value, Problem> {
        self.read(what, writes)
    }

    /// The same as something of a known form.
    pub(super) fn read<T: DeserializeOwned>(self, what: &str, writes: bool) -> Result<T, Problem> {
        self.read_by(PhantomData::<T>, what, writes)
    }

    /// The same by somebody who reads it in a way of their own.
    pub(super) fn read_by<T, S: for<'de> DeserializeSeed<'de, Value = T>>(
        self,
        reader: S,
        what: &str,
        writes: bool,
    ) -> Result<T, Problem> {
        if !self.status.is_success() {
            return Err(self.problem(what, writes));
        }
        let mut from = serde_json::Deserializer::from_slice(&self.body);
        let read = reader.deserialize(&mut from);
        let read = read.and_then(|read| from.end().map(|()| read));
        read.map_err(|error| {
            let said = format!(
                "the API server answered {} with what is not JSON ({error})",
                self.status.as_u16()
            );
            Problem::new(ProblemKind::BadAnswer, what, said)
        })
    }

    /// Whether this is the proof that an object does not exist: a 404 that names it.
    pub(super) fn proves_absence(&self, key: &ObjectKey) -> bool {
        let named = |s: Status| s.reason == "NotFound" && s.details.name == key.name;
        self.status == StatusCode::NOT_FOUND && self.status_object().is_some_and(named)
    }

    fn status_object(&self) -> Option<Status> {
        let status: Status = serde_json::from_slice(&self.body).ok()?;
        (status.kind == "Status").then_some(status)
    }

    /// The refusal, classified.
    pub(super) fn problem(&self, what: &str, writes: bool) -> Problem {
        let code = self.status.as_u16();
        let Some(status) = self.status_object() else {
            let kind = kind_without_status(code, writes);
            let said = format!(
                "the API server, or something before it, answered {}",
                self.status
            );
            return Problem::new(kind, what, said);
        };
        if let Some(causes) = schema_causes(&status.message) {
            return not_in_schema(what, status.message, causes);
        }
        let kind = kind_of(code, &status, writes);
        let (conflicts, causes): (Vec<_>, Vec<_>) = status
            .details
            .causes
            .into_iter()
            .partition(|c| c.reason == "FieldManagerConflict");
        let conflicts: Vec<Conflict> = conflicts.iter().map(conflict).collect();
        // What the server says of no field is that it did not look any further.
        let about_fields = causes.into_iter().filter(|c| c.field != "<nil>");
        let causes = about_fields.map(|c| Cause {
            reason: c.reason,
            field: c.field,
            message: c.message,
        });
        let said = if conflicts.is_empty() {
            status.message.clone()
        } else {
            conflict_words(&conflicts)
        };
        let api = ApiProblem {
            status: code,
            reason: status.reason,
            message: status.message,
            causes: causes.collect(),
            conflicts,
        };
        Problem {
            api: Some(Box::new(api)),
            ..Problem::new(kind, what, said)
        }
    }

    /// Whether the refusal is about a missing namespace.
    pub(super) fn lacks_namespace(problem: &Problem) -> bool {
        let api = problem.api.as_deref();
        api.is_some_and(|api| api.status == 404 && api.message.starts_with("namespaces \""))
    }
}

/// What the server says of a field that its schema does not have.
pub(super) const NOT_DECLARED: &str = "field not declared in schema";

/// How the server says that an object does not fit its schema, and that a stored one does not: as an
/// error of its own, 500 and without a reason.
const SCHEMA_ERRORS: [&str; 3] = [
    "failed to create typed patch object",
    "failed to create typed live object",
    "failed to convert new object",
];

/// The fields of such an error: `… Kind=X): PATH: MESSAGE`, or `): errors:` and one per line.
fn schema_causes(message: &str) -> Option<Vec<Cause>> {
    SCHEMA_ERRORS
        .iter()
        .find(|start| message.starts_with(*start))?;
    let (_, rest) = message.split_once("): ").unwrap_or(("", message));
    let lines = rest
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('.'));
    let cause = |line: &str| {
        let (field, message) = line.split_once(": ")?;
        let (field, message) = (field.to_owned(), message.to_owned());
        Some(Cause {
            reason: "FieldValueInvalid".into(),
            field,
            message,
        })
    };
    Some(lines.filter_map(cause).collect())
}

/// The fields that a strictly decoded request names, all of them: `unknown field "PATH"`.
pub(super) fn strict_causes(message: &str) -> Vec<Cause> {
    let Some((_, list)) = message.split_once("strict decoding error: ") else {
        return Vec::new();
    };
    let cause = |part: &str| {
        let (words, field) = part.split_once(" \"")?;
        let field = field.trim_end_matches('"');
        let message = match words {
            "unknown field" => NOT_DECLARED,
            words => words,
        };
        let (field, message) = (field.to_owned(), message.to_owned());
        Some(Cause {
            reason: "FieldValueInvalid".into(),
            field,
            message,
        })
    };
    list.split("\", ").filter_map(cause).collect()
}

fn not_in_schema(what: &str, message: String, causes: Vec<Cause>) -> Problem {
    let words: Vec<String> = causes
        .iter()
        .map(|c| format!("`{}`: {}", c.field, c.message))
        .collect();
    let said = if words.is_empty() {
        message.clone()
    } else {
        words.join(", ")
    };
    let conflicts = Vec::new();
    let api = ApiProblem {
        status: 400,
        reason: "Invalid".into(),
        message,
        causes,
        conflicts,
    };
    Problem {
        api: Some(Box::new(api)),
        ..Problem::new(ProblemKind::Invalid, what, said)
    }
}

fn kind_without_status(code: u16, writes: bool) -> ProblemKind {
    match code {
        401 => ProblemKind::Unauthorized,
        403 => ProblemKind::Forbidden,
        404 => ProblemKind::NotServed,
        413 => ProblemKind::TooLarge,
        429 => ProblemKind::Throttled,
        500.. if writes => ProblemKind::Unknown,
        500.. => ProblemKind::Server,
        _ => ProblemKind::BadAnswer,
    }
}

fn kind_of(code: u16, status: &Status, writes: bool) -> ProblemKind {
    let webhook = [
        "admission webhook \"",
        "Internal error occurred: failed calling webhook",
    ];
    if webhook
        .iter()
        .any(|start| status.message.starts_with(start))
    {
        return ProblemKind::Webhook;
    }
    match code {
        401 => ProblemKind::Unauthorized,
        403 => ProblemKind::Forbidden,
        404 if status.details.name.is_empty() && status.details.kind.is_empty() => {
            ProblemKind::NotServed
        }
        404 => ProblemKind::NotFound,
        409 if status
            .details
            .causes
            .iter()
            .any(|c| c.reason == "FieldManagerConflict") =>
        {
            ProblemKind::Conflict
        }
        409 | 410 => ProblemKind::Stale,
        413 => ProblemKind::TooLarge,
        400 | 405 | 415 | 422 => ProblemKind::Invalid,
        429 => ProblemKind::Throttled,
        500.. if writes => ProblemKind::Unknown,
        500.. => ProblemKind::Server,
        _ => ProblemKind::BadAnswer,
    }
}

/// The server names the manager in the message only: `conflict with "NAME"` or
/// `conflict with "NAME" using apps/v1`, for subresources `with subresource "scale"` follows.
fn conflict(cause: &StatusCause) -> Conflict {
    let manager = cause.message.split('"').nth(1).unwrap_or("unknown");
    Conflict {
        manager: manager.to_owned(),
        field: cause.field.clone(),
    }
}

fn conflict_words(conflicts: &[Conflict]) -> String {
    let shown: Vec<String> = conflicts
        .iter()
        .take(5)
        .map(|c| format!("`{}` belongs to `{}`", c.field, c.manager))
        .collect();
    let more = conflicts.len().saturating_sub(5);
    let rest = if more > 0 {
        format!(" and {more} more fields")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::GroupKind;
    use serde_json::json;

    fn answer(code: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(code).unwrap(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_a_404_that_names_the_object_proves_its_absence() {
        let key = ObjectKey {
            group_kind: GroupKind::new("", "ConfigMap"),
            namespace: Some("n".into()),
            name: "a".into(),
        };
        let status = |name: &str| {
            json!({"kind":"Status","reason":"NotFound","code":404,"details":{"name":name,"kind":"configmaps"}}).to_string()
        };
        assert!(answer(404, &status("a")).proves_absence(&key));
        assert!(!answer(404, &status("b")).proves_absence(&key));
        assert!(!answer(404, "404 page not found").proves_absence(&key));
        assert!(
            !answer(
                404,
                &json!({"kind":"Status","reason":"NotFound"}).to_string()
            )
            .proves_absence(&key)
        );
        assert!(!answer(503, &status("a")).proves_absence(&key));
    }

    #[test]
    fn a_conflict_names_field_and_manager() {
        let body = json!({"kind":"Status","reason":"Conflict","message":"Apply failed with 1 conflict","details":{"name":"a","kind":"configmaps","causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using v1","field":".data.k"}]}});
        let problem = answer(409, &body.to_string()).problem("apply ConfigMap/a in n", true);
        assert_eq!(problem.kind, ProblemKind::Conflict);
        assert!(
            problem
                .to_string()
                .contains("`.data.k` belongs to `kubectl-edit`"),
            "{problem}"
        );
    }

    #[test]
    fn a_schema_error_names_its_fields_though_the_server_calls_it_its_own() {
        let one = "failed to create typed patch object (n/a; apps/v1, Kind=Deployment): .spec.replicass: field not declared in schema";
        let body = json!({"kind":"Status","code":500,"message":one}).to_string();
        let problem = answer(500, &body).problem("try Deployment.apps/a in n", false);
        assert_eq!(problem.kind, ProblemKind::Invalid);
        assert_eq!(
            problem.api.as_ref().unwrap().causes[0].field,
            ".spec.replicass"
        );
        assert!(
            problem
                .to_string()
                .contains("`.spec.replicass`: field not declared in schema"),
            "{problem}"
        );
        let two = "failed to create typed patch object (n/a; apps/v1, Kind=Deployment): errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema";
        assert_eq!(schema_causes(two).unwrap().len(), 2);
        assert_eq!(schema_causes("etcdserver: leader changed"), None);
        let strict = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replicass\", unknown field \"spec.template.spec.containers[0].imag\"";
        let fields: Vec<String> = strict_causes(strict).into_iter().map(|c| c.field).collect();
        assert_eq!(
            fields,
            ["spec.replicass", "spec.template.spec.containers[0].imag"]
        );
    }

    #[test]
    fn html_is_never_an_object() {
        let problem = answer(200, "<html>")
            .json("read ConfigMap/a", false)
            .unwrap_err();
        assert_eq!(problem.kind, ProblemKind::BadAnswer);
        assert_eq!(
            answer(502, "<html>").problem("x", true).kind,
            ProblemKind::Unknown
        );
        assert_eq!(
            answer(502, "<html>").problem("x", false).kind,
            ProblemKind::Server
        );
    }
}
