//! A text names a resource of a kind by its last two segments or does not, and the name is shown in one way.

use kefu_chassis::duties::DutyResource;
use kefu_chassis::names::{Id, Resource, id, reference};

struct Other;

impl Resource for Other {
    const COLLECTION: &'static str = "requests";
    const KIND: &'static str = "kefu/Request";
}

pub fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    reads_back::<DutyResource>(text);
    reads_back::<Other>(text);
    let both = Id::<DutyResource>::parse(text).is_some() && Id::<Other>::parse(text).is_some();
    assert!(!both, "it is of two kinds: {text}");
    assert_eq!(reference::<Other>(text).is_ok_and(|id| id.is_none()), text.is_empty());
}

fn reads_back<R: Resource>(text: &str) {
    let Some(known) = Id::<R>::parse(text) else {
        assert!(id::<R>(text).is_err());
        return;
    };
    let name = known.to_string();
    assert!(Id::<R>::parse(&name) == Some(known) && Id::<R>::from_uuid(known.uuid()) == known);
    // What stands before is the parent's, and a UUID may be written in capitals.
    let last = &text[text.len() - name.len()..];
    assert!(last.eq_ignore_ascii_case(&name) && last.starts_with(R::COLLECTION), "{text} is shown as {name}");
    let before = &text[..text.len() - name.len()];
    assert!(before.is_empty() || before.ends_with('/'), "{text}");
}
