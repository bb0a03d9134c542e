//! Resource names and the ids in them: `requests/0199…`, `services/intake/duties/0199…`.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

use crate::base::error::Error;

/// The name of the service that keeps the directory.
pub const DIRECTORY: &str = "services/appraisal";

/// A kind of resource whose names end in a UUID, e.g. `requests/0199…`.
pub trait Resource {
    /// The collection in its names, e.g. `requests`.
    const COLLECTION: &'static str;
    /// The kind in errors, e.g. `kefu/Request`.
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
    /// Creates an id of the time `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(new_uuid(now), PhantomData)
    }

    /// Parses the id in `name`, whose last two segments are the collection and the id.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (head, id) = name.rsplit_once('/')?;
        let collection = head.rsplit_once('/').map_or(head, |(_, collection)| collection);
        if collection != R::COLLECTION || id.len() != 36 {
            return None;
        }
        Some(Self(Uuid::try_parse(id).ok()?, PhantomData))
    }

    /// Returns the id that is stored as `uuid`.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// Returns the id as it is stored.
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

/// An id is displayed as the resource's name: collection and id.
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

/// Returns the id in a resource's name. Refused as not found when the name has none.
pub fn id<R: Resource>(name: &str) -> Result<Id<R>, Error> {
    Id::parse(name).ok_or_else(|| unknown::<R>(name))
}

/// Returns the id in a reference to a resource; none for an empty reference. Refused as [`id`] does.
pub fn reference<R: Resource>(name: &str) -> Result<Option<Id<R>>, Error> {
    if name.is_empty() { Ok(None) } else { id(name).map(Some) }
}

/// Splits the name of a resource of kind `R` into its parent's name and its id: `requests/1/transfers/2` into `requests/1`
/// and `2`.
pub fn under<R: Resource>(name: &str) -> Result<(&str, Id<R>), Error> {
    let id = id::<R>(name)?;
    Ok((parent(name).ok_or_else(|| unknown::<R>(name))?, id))
}

/// Returns the ids in the name of a resource of kind `R` and in that of its parent of kind `P`:
/// `customers/1/projects/2` into 1 and 2.
pub fn child<P: Resource, R: Resource>(name: &str) -> Result<(Id<P>, Id<R>), Error> {
    let (parent, id) = under::<R>(name)?;
    Ok((Id::parse(parent).ok_or_else(|| unknown::<R>(name))?, id))
}

/// Returns the name of a resource's parent, which is its own without collection and id; none for a resource that has none.
#[must_use]
pub fn parent(name: &str) -> Option<&str> {
    let (head, _) = name.rsplit_once('/')?;
    Some(head.rsplit_once('/')?.0)
}

/// Creates the refusal that a resource of this name is not found.
#[must_use]
pub fn unknown<R: Resource>(name: &str) -> Error {
    Error::NotFound { kind: R::KIND, name: name.to_owned() }
}

/// Replaces the name in a not-found error by `name`, which the caller gave: a caller who asks for
/// `requests/1/transfers/2` learns that the transfer is not found, even where it is the request that is missing.
pub fn as_unknown<R: Resource>(name: &str) -> impl Fn(Error) -> Error {
    move |error| if matches!(error, Error::NotFound { .. }) { unknown::<R>(name) } else { error }
}

/// Creates a random UUID (version 4).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where random ids are made")]
pub fn random_uuid() -> Uuid {
    Uuid::new_v4()
}

/// Creates a `UUIDv7` of the time `now`.
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
    fn the_name_of_a_child_is_its_parents_and_its_own() {
        crate::resources! {
            /// Customers.
            Customer = "customers", "kefu/Customer";
        }
        let (customer, request) =
            (Id::<Customer>::new(Timestamp::UNIX_EPOCH), Id::<Request>::new(Timestamp::UNIX_EPOCH));
        assert_eq!(child(&format!("{customer}/{request}")).unwrap(), (customer, request));
        assert_eq!(under::<Request>(&format!("staff/lin/{request}")).unwrap(), ("staff/lin", request));
        for name in [request.to_string(), format!("staff/lin/{request}"), format!("x/{customer}/{customer}")] {
            assert!(child::<Customer, Request>(&name).is_err(), "{name}");
        }
        assert_eq!(
            (parent("staff/lin/absences/1"), parent("staff/lin"), parent("staff")),
            (Some("staff/lin"), None, None)
        );
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
