//! Paths as OpenAPI writes them, with a parameter for each id, from the templates of the HTTP bindings.

use kefu_proto::contract::{Binding, Resource, wildcards};

/// A path with the ids in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    /// The path's template, e.g. `/v1/requests/{request}:resolve`.
    pub template: String,
    /// The parameters in order.
    pub ids: Vec<Id>,
}

/// One id in a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Id {
    /// The parameter's name, e.g. `workOrder`.
    pub name: String,
    /// The request's field that contains the id, e.g. `name`.
    pub field: String,
    /// The form of the field's values, e.g. `requests/{request}/workOrders/{work_order}`.
    pub form: String,
    /// The number of the segment in the form.
    pub segment: usize,
}

impl Path {
    /// Makes the path of a binding, with parameters named as the resources name them.
    pub fn of(binding: &Binding, resources: &[Resource]) -> Self {
        let mut path = Self { template: String::new(), ids: Vec::new() };
        let mut rest = binding.template.as_str();
        for (field, pattern) in binding.variables() {
            let Some((before, after)) = rest.split_once('{') else { break };
            path.template.push_str(before);
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
            let forms = resources.iter().flat_map(|resource| &resource.patterns);
            let form = forms.into_iter().find(|form| wildcards(form) == pattern);
            path.add(field, &form.map_or_else(|| pattern.replace('*', &format!("{{{field}}}")), Clone::clone));
        }
        path.template.push_str(rest);
        path
    }

    fn add(&mut self, field: &str, form: &str) {
        for (segment, text) in form.split('/').enumerate() {
            if segment > 0 {
                self.template.push('/');
            }
            let Some(id) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
                self.template.push_str(text);
                continue;
            };
            let name = camel_case(id);
            self.template.extend(["{", &name, "}"]);
            self.ids.push(Id { name, field: field.to_owned(), form: form.to_owned(), segment });
        }
    }
}

/// Turns `work_order` into `workOrder`.
fn camel_case(name: &str) -> String {
    let mut words = name.split(['_', '.']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        name + &letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    })
}
