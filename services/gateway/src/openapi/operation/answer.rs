//! The answers of an operation.

use serde_json::{Value, json};

use super::{Operation, content, problem};
use crate::openapi::problem::timed;
use crate::openapi::schema::Schemas;
use crate::openapi::usage::Use;

impl Operation<'_> {
    /// Returns the answers by status.
    pub(super) fn answers(&self, schemas: &mut Schemas) -> Value {
        let is_get = self.binding.verb == "get";
        let has_path = !self.binding.variables().is_empty();
        let mut answers = problem::answers(|status| match status {
            "404" => has_path || !is_get,
            "409" => !is_get,
            "412" => self.takes_etag(),
            "408" | "413" | "415" => !self.binding.body.is_empty(),
            _ => true,
        });
        answers.insert("200".to_owned(), timed(self.answer(schemas)));
        if is_get && self.has_etag() {
            answers.insert("304".to_owned(), timed(json!({"description": "It is still as `If-None-Match` says."})));
        }
        answers.into()
    }

    fn answer(&self, schemas: &mut Schemas) -> Value {
        let output = self.method.output();
        if !self.binding.response_body.is_empty() {
            let bytes = json!({"type": "string", "contentMediaType": "application/octet-stream"});
            let headers =
                json!({"Content-Disposition": {"description": "That it is a file.", "schema": {"type": "string"}}});
            return json!({"description": "The content.", "headers": headers, "content": content("application/octet-stream", &bytes)});
        }
        let schema = schemas.message(&output, Use::Answer);
        let about = schemas.comments.of(&output).to_owned();
        if self.method.is_server_streaming() {
            let about = format!(
                "{about} A stream: one message an event or a line, as JSON. What breaks it is an event `error` with a problem \
                as its data, or a line that has a problem as its `error`."
            );
            let content = json!({"text/event-stream": {"schema": schema}, "application/x-ndjson": {"schema": schema}});
            return json!({"description": about, "content": content});
        }
        let mut answer = json!({"description": about, "content": content("application/json", &schema)});
        if self.has_etag() {
            answer["headers"] = json!({"ETag": {"description": "Changes with every change of the resource.", "schema": {"type": "string"}}});
        }
        answer
    }
}
