//! The traits of requests. `kefu_proto::Target` is for every request that changes one resource: it has a `request_id`,
//! and the rule of its method names the resource by a string field of the request. `Paged` is for every request with a
//! `page_token`, `Resumable` for every request with a `resume_token`.

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use super::names::type_path;

/// Writes the implementation of `Target` for the request of `method`, if it changes one resource.
pub fn target_impl(method: &MethodDescriptor) -> Option<String> {
    let request = method.input();
    request.get_field_by_name("request_id")?;
    let name = resource_field(method)?;
    if !is_text(&request, &name) {
        return None;
    }
    let etag = if is_text(&request, "etag") { "&self.etag" } else { "\"\"" };
    let occurred =
        if request.get_field_by_name("occurred_time").is_some() { "self.occurred_time.as_ref()" } else { "None" };
    Some(format!(
        "impl crate::Target for crate::{path} {{
    fn name(&self) -> &str {{
        &self.{name}
    }}
    fn etag(&self) -> &str {{
        {etag}
    }}
    fn occurred_time(&self) -> Option<&::prost_types::Timestamp> {{
        {occurred}
    }}
}}
",
        path = type_path(&request),
    ))
}

/// Writes the implementation of `Paged` for a message, if it is a request for pages.
pub fn paged_impl(request: &MessageDescriptor) -> Option<String> {
    let path = is_text(request, "page_token").then(|| type_path(request))?;
    Some(format!(
        "impl crate::Paged for crate::{path} {{
    fn page_token(&self) -> &str {{
        &self.page_token
    }}
    fn page_size(&self) -> i32 {{
        self.page_size
    }}
    fn query(&self) -> Vec<u8> {{
        let mut query = self.clone();
        query.page_token.clear();
        query.page_size = 0;
        ::prost::Message::encode_to_vec(&query)
    }}
}}
"
    ))
}

/// Writes the implementation of `Resumable` for a message, if it requests a stream that can be resumed by a token.
pub fn resumable_impl(request: &MessageDescriptor) -> Option<String> {
    let path = is_text(request, "resume_token").then(|| type_path(request))?;
    Some(format!(
        "impl crate::Resumable for crate::{path} {{
    fn resume_token(&self) -> &str {{
        &self.resume_token
    }}
    fn query(&self) -> Vec<u8> {{
        let mut query = self.clone();
        query.resume_token.clear();
        ::prost::Message::encode_to_vec(&query)
    }}
}}
"
    ))
}

/// Returns the `resource_field` in the `kefu.rules.v1.rule` of a method.
fn resource_field(method: &MethodDescriptor) -> Option<String> {
    let extension = method.parent_pool().get_extension_by_name("kefu.rules.v1.rule")?;
    let options = method.options();
    let rule = options.get_extension(&extension);
    rule.as_message()?.get_field_by_name("resource_field")?.as_str().map(str::to_owned)
}

fn is_text(message: &MessageDescriptor, field: &str) -> bool {
    message.get_field_by_name(field).is_some_and(|field| matches!(field.kind(), Kind::String) && !field.is_list())
}
