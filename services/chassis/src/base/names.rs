//! Resource names and the ids in them: `requests/0199…`, `services/intake/duties/0199…`.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

use crate::base::error::Error;

/// The service that has the directory.
pub const DIRECTORY: &str = "services/appraisal";

/// A kind of resource whose last name segment is a UUID.
pub trait Resource {
    /// The collection in its names, e.g. `requests`.
    const COLLECTION: &'static str;
    /// Its kind in errors, e.g. `kefu/Request`.
    const KIND: &'static str;
}

/// Declares resource kinds.
#[macro_export]
macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident = $collection:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl $crate::names::Resource for $name {
            const COLLECTION: &'static str = $collection;
            const KIND: &'static str = $kind;
        }
    )*};
}

/// The id of a resource of kind `R`: a `UUIDv7`, so that ids sort by time of creation.
pub struct Id<R>(Uuid, PhantomData<fn() -> R>);

impl<R: Resource> Id<R> {
    /// A new id, made at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(new_uuid(now), PhantomData)
    }

    /// The id in `name`, whose last two segments are the collection and the id.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (head, id) = name.rsplit_once('/')?;
        let collection = head.rsplit_once('/').map_or(head, |(_, collection)| collection);
        if collection != R::COLLECTION || id.len() != 36 {
            return None;
        }
        Some(Self(Uuid::try_parse(id).ok()?, PhantomData))
    }

    /// The id that is stored as `uuid`.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// As it is stored.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl<R> Clone for Id<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for Id<R> {}
impl<R> PartialEq for Id<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<R> Eq for Id<R> {}

/// The resource's name: collection and id.
impl<R: Resource> fmt::Display for Id<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", R::COLLECTION, self.0)
    }
}
impl<R: Resource> fmt::Debug for Id<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id in a resource's name; what is no such id names nothing.
pub fn id<R: Resource>(name: &str) -> Result<Id<R>, Error> {
    Id::parse(name).ok_or_else(|| unknown::<R>(name))
}

/// The id in a reference to a resource, which may be empty.
pub fn reference<R: Resource>(name: &str) -> Result<Option<Id<R>>, Error> {
    if name.is_empty() { Ok(None) } else { id(name).map(Some) }
}

/// What a resource of kind `R` stands under and its id, in its name: `requests/1` and `2` in `requests/1/transfers/2`.
pub fn under<R: Resource>(name: &str) -> Result<(&str, Id<R>), Error> {
    let id = id::<R>(name)?;
    let (head, _) = name.rsplit_once('/').unwrap_or_default();
    let (parent, _) = head.rsplit_once('/').ok_or_else(|| unknown::<R>(name))?;
    Ok((parent, id))
}

/// There is no such resource.
#[must_use]
pub fn unknown<R: Resource>(name: &str) -> Error {
    Error::NotFound { kind: R::KIND, name: name.to_owned() }
}

/// Says of what is not found by the name of something else that it is not found by the name that was given.
pub fn as_unknown<R: Resource>(name: &str) -> impl Fn(Error) -> Error {
    move |error| if matches!(error, Error::NotFound { .. }) { unknown::<R>(name) } else { error }
}

/// A UUID that is nothing but random.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where random ids are made")]
pub fn random_uuid() -> Uuid {
    Uuid::new_v4()
}

/// A `UUIDv7` made at `now`.
#[must_use]
pub fn new_uuid(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Request;
    impl Resource for Request {
        const COLLECTION: &'static str = "requests";
        const KIND: &'static str = "kefu/Request";
    }

    #[test]
    fn a_name_is_read_back_as_the_id_it_shows() {
        let id = Id::<Request>::new(Timestamp::UNIX_EPOCH);
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::parse(&format!("customers/c/{id}")), Some(id));
    }

    #[test]
    fn names_of_other_kinds_or_forms_are_not_ids() {
        let id = Id::<Request>::new(Timestamp::UNIX_EPOCH).uuid();
        for name in [
            "",
            "requests",
            "requests/",
            "requests/1",
            &format!("customers/{id}"),
            &format!("requests/{id}/x"),
            &format!("requests/{}", id.simple()),
        ] {
            assert_eq!(Id::<Request>::parse(name), None, "{name}");
        }
    }
}
