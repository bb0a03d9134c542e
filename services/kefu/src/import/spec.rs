//! The keys of a map file. Unknown keys are refused here; values are checked when the map is bound to the CSV file's
//! columns.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A map file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The system the rows come from.
    pub source: String,
    /// The zone of times that name none.
    pub zone: String,
    /// Format of times, in strptime's notation.
    pub time_format: String,
    /// Separator of columns; a comma when not given.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// Business calendar for the rows' working time; the service's own when not given.
    #[serde(default)]
    pub calendar: Option<toml::Table>,
    /// Source of each field.
    pub fields: Fields,
}

/// Source of each field of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Id in the other system, by which a second import of the row is recognised.
    pub external_id: Text,
    /// Channel by which the customer made contact.
    pub channel: Choice,
    /// Kind of the request.
    pub kind: Choice,
    /// State of the request at the time of the export.
    pub state: Choice,
    /// Department responsible.
    pub department: Name,
    /// When the customer made contact.
    pub contact_time: Time,
    /// When the customer was first answered (C2.1).
    #[serde(default)]
    pub first_response_time: Option<Time>,
    /// When the request was classified (C2.4).
    #[serde(default)]
    pub classified_time: Option<Time>,
    /// Time promised to the customer.
    #[serde(default)]
    pub promised_time: Option<Time>,
    /// When the request was closed.
    #[serde(default)]
    pub closed_time: Option<Time>,
    /// When the row last changed in the other system.
    #[serde(default)]
    pub update_time: Option<Time>,
    /// Who owns the request.
    #[serde(default)]
    pub owner: Option<Name>,
    /// What the customer asked for.
    #[serde(default)]
    pub description: Option<Text>,
    /// Field of business.
    #[serde(default)]
    pub business_domain: Option<Text>,
    /// Type of the problem.
    #[serde(default)]
    pub problem_type: Option<Text>,
    /// Address of the site.
    #[serde(default)]
    pub site_address: Option<Text>,
}

/// A text: from a column, or the same for every row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Column of the CSV file; either this or `value` is given.
    #[serde(default)]
    pub column: Option<String>,
    /// The same text for every row.
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
}

/// An enum value of the contract, by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Column of the CSV file; either this or `value` is given.
    #[serde(default)]
    pub column: Option<String>,
    /// Name of the same enum value for every row.
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
    /// Name of the enum value for each word of the column.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
}

/// The name of a department or an employee, made from a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Column of the CSV file; either this or `value` is given.
    #[serde(default)]
    pub column: Option<String>,
    /// The same text for every row.
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
    /// Ids for texts that make none, or that need another one.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
}

/// A time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Column of the CSV file.
    pub column: String,
    /// Format of this time, if it differs from the file's.
    #[serde(default, rename = "time_format")]
    pub format: Option<String>,
    /// The value means the end of its day, 24:00.
    #[serde(default)]
    pub end_of_day: bool,
    /// A value with a time of day other than 00:00:00 counts as absent.
    #[serde(default)]
    pub only_dates: bool,
    /// A value before `contact_time` counts as absent.
    #[serde(default)]
    pub not_before_contact: bool,
}
