//! The macro of each gRPC service, e.g. `kefu_proto::serve_complaint_service!(Complaints)`. It implements the generated
//! server trait for a type with a field `chassis`: it admits each rpc, hands it to the type's own function with the
//! rpc's name in snake case, and turns the outcome into a response. The signature of such a function depends on what is
//! streamed:
//!
//! - none: `async fn get_thing(&self, call: &Call, request: GetThingRequest) -> Result<Thing, Error>`
//! - requests: `async fn import_things(&self, call: &mut Call, requests: tonic::Streaming<…>) -> Result<…, Error>`
//! - answers: `async fn watch_things(&self, call: Call, request: …) -> Result<kefu_chassis::call::Answers<…>, Error>`

use std::fmt::Write as _;

use prost_reflect::{MethodDescriptor, ServiceDescriptor};

use super::names::{snake_case, type_path};

/// Writes the macro of a service.
pub fn macro_of(service: &ServiceDescriptor) -> String {
    let (name, module) =
        (snake_case(service.name()), service.package_name().trim_start_matches("kefu.").replace('.', "::"));
    let mut code = format!(
        "/// Serves `{full_name}` by a type's own functions, each with its rpc's name in snake case.
#[macro_export]
macro_rules! serve_{name} {{
    ($api:ty) => {{
        #[::tonic::async_trait]
        impl $crate::{module}::{name}_server::{service} for $api {{
",
        full_name = service.full_name(),
        service = service.name(),
    );
    for method in service.methods() {
        write_method(&mut code, &method);
    }
    code.push_str("        }\n    };\n}\n");
    code
}

fn write_method(code: &mut String, method: &MethodDescriptor) {
    let name = snake_case(method.name());
    let request = format!("$crate::{}", type_path(&method.input()));
    let reply = format!("$crate::{}", type_path(&method.output()));
    let (taken, given, body) = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => (
            request,
            reply,
            format!(
                "let (call, request) = self.chassis.admit(request)?;
                let outcome = <$api>::{name}(self, &call, request).await;
                self.chassis.respond(&call, outcome).await"
            ),
        ),
        (true, false) => (
            format!("::tonic::Streaming<{request}>"),
            reply,
            format!(
                "let (mut call, requests) = self.chassis.admit_stream(request)?;
                let outcome = <$api>::{name}(self, &mut call, requests).await;
                self.chassis.respond(&call, outcome).await"
            ),
        ),
        (false, true) => {
            let stream = format!("{}Stream", method.name());
            let _ = writeln!(code, "            type {stream} = ::kefu_chassis::call::Answers<{reply}>;");
            (
                request,
                format!("Self::{stream}"),
                format!(
                    "let (call, request) = self.chassis.admit(request)?;
                let language = call.language;
                let answers = <$api>::{name}(self, call, request).await;
                answers.map(::tonic::Response::new).map_err(|error| error.into_status(language))"
                ),
            )
        }
        (true, true) => panic!("{}: no method streams both ways", method.full_name()),
    };
    let _ = write!(
        code,
        "            async fn {name}(
                &self,
                request: ::tonic::Request<{taken}>,
            ) -> ::core::result::Result<::tonic::Response<{given}>, ::tonic::Status> {{
                {body}
            }}
"
    );
}
