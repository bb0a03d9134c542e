use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use kefu_chassis::identity::is_id;
use proptest::prelude::*;

use super::super::cells::slug;
use super::*;

const SHIPPED: &str = include_str!("../../../../../deploy/import/my-la-311.toml");
const HEADER: &str = "SRNumber,CreatedDate,UpdatedDate,Owner,RequestType,Status,RequestSource,AssignTo,ServiceDate,ClosedDate,Address,ZipCode";
const CELLS: [&str; 12] = [
    "1-870704814",
    "01/01/2018 12:00:09 AM",
    "01/06/2018 10:18:29 AM",
    "BOS",
    "Bulky Items",
    "Closed",
    "Mobile App",
    "NC",
    "01/06/2018 12:00:00 AM",
    "01/06/2018 10:18:29 AM",
    "356 S BERENDO ST, 90020",
    "90020",
];

fn header() -> StringRecord {
    HEADER.split(',').collect()
}

fn bind(text: &str) -> Result<Map, String> {
    let spec: Spec = toml::from_str(text).map_err(|error| error.to_string())?;
    Map::bind(&spec, &header()).map_err(|error| error.to_string())
}

fn shipped() -> Map {
    bind(SHIPPED).unwrap()
}

/// Reads the first row, with some cells changed, by the shipped map. Returns the request and the values left out.
fn read(changes: &[(usize, &str)]) -> (Result<ImportedRequest, CellError>, LeftOut) {
    let mut cells = CELLS;
    for (at, cell) in changes {
        cells[*at] = cell;
    }
    let mut left_out = LeftOut::new();
    (shipped().request(&cells.iter().collect(), 2, &mut left_out), left_out)
}

fn at(text: &str) -> prost_types::Timestamp {
    kefu_chassis::time::to_proto(text.parse().unwrap())
}

#[test]
fn a_row_becomes_a_request_with_its_own_times() {
    let (request, left_out) = read(&[]);
    let request = request.unwrap();
    assert_eq!((request.line, request.external_id.as_str()), (2, "1-870704814"));
    assert_eq!((request.channel(), request.kind(), request.state()), (Channel::Web, Kind::Service, State::Closed));
    assert_eq!(
        (request.department.as_str(), request.owner.as_str(), request.customer.as_str()),
        ("departments/bos", "", "")
    );
    assert_eq!((request.business_domain.as_str(), request.problem_type.as_str()), ("BOS", "Bulky Items"));
    assert_eq!(request.site_address, "356 S BERENDO ST, 90020");
    assert_eq!(request.contact_time, Some(at("2018-01-01T08:00:09Z")));
    assert_eq!(request.closed_time, Some(at("2018-01-06T18:18:29Z")));
    assert_eq!(request.promised_time, Some(at("2018-01-07T08:00:00Z")), "the end of 6 January there");
    assert_eq!((request.first_response_time, request.classified_time), (None, None));
    assert!(left_out.is_empty());
}

#[test]
fn what_is_no_promise_is_left_out_and_counted() {
    for (cell, counted) in [("", 0), ("01/06/2018 09:18:54 AM", 1), ("12/29/2017 12:00:00 AM", 1)] {
        let (request, left_out) = read(&[(8, cell)]);
        assert_eq!(request.unwrap().promised_time, None, "{cell}");
        assert_eq!(left_out.get("promised_time").copied().unwrap_or_default(), counted, "{cell}");
    }
    let (same_day, _) = read(&[(8, "01/01/2018 12:00:00 AM")]);
    assert_eq!(same_day.unwrap().promised_time, Some(at("2018-01-02T08:00:00Z")), "the day is not over");
}

#[test]
fn a_row_that_ends_before_it_begins_is_left_to_the_service() {
    let (request, _) = read(&[(9, "12/31/2017 12:00:00 AM")]);
    assert_eq!(request.unwrap().closed_time, Some(at("2017-12-31T08:00:00Z")));
}

#[test]
fn what_cannot_be_read_names_its_column() {
    for (place, cell, column, part) in [
        (1, "", "CreatedDate", "is empty"),
        (1, "2018-01-01", "CreatedDate", "is no time of the form"),
        (9, "02/30/2018 12:00:00 AM", "ClosedDate", "02/30/2018"),
        (5, "Lost", "Status", "no word \"Lost\""),
        (6, "", "RequestSource", "is empty"),
        (3, "客服部", "Owner", "ids"),
    ] {
        let wrong = read(&[(place, cell)]).0.unwrap_err();
        assert_eq!(wrong.column, column);
        assert!(wrong.reason.contains(part), "{}", wrong.reason);
    }
}

#[test]
fn local_times_that_do_not_exist_or_exist_twice_are_resolved_the_same_way_always() {
    let contact = |cell| read(&[(1, cell), (8, ""), (9, ""), (2, "")]).0.unwrap().contact_time;
    assert_eq!(
        contact("03/11/2018 02:30:00 AM"),
        Some(at("2018-03-11T10:30:00Z")),
        "as if the clocks had not been set forward"
    );
    assert_eq!(contact("11/04/2018 01:30:00 AM"), Some(at("2018-11-04T08:30:00Z")), "the first of the two");
}

#[test]
fn the_calendar_is_sent_as_the_service_reads_it() {
    let calendar = Calendar::from_toml(&shipped().calendar).unwrap();
    assert_eq!(calendar.zone().iana_name(), Some("America/Los_Angeles"));
    assert_eq!(calendar.is_working_day(date(2018, 1, 15)), Ok(false));
    assert_eq!(calendar.is_working_day(date(2018, 1, 16)), Ok(true));
    assert_eq!(calendar.nominal_day(), SignedDuration::from_hours(8));
    let bare = bind(&SHIPPED.replace("zone = \"America/Los_Angeles\"\nholidays", "holidays")).unwrap();
    assert_eq!(
        bare.calendar.parse::<toml::Table>().unwrap()["zone"].as_str(),
        Some("America/Los_Angeles"),
        "the map's zone unless it names one"
    );
}

#[test]
fn a_broken_map_names_the_key() {
    for (from, to, named) in [
        ("source = \"my-la-311\"", "source = \" \"", "source"),
        ("source =", "sauce =", "sauce"),
        ("end_of_day = true", "end_of_day = \"yes\"", "end_of_day"),
        ("zone = \"America/Los_Angeles\"\n\n", "zone = \"America/Los_Devils\"\n\n", "zone"),
        ("%m/%d/%Y %I:%M:%S %p", "%m/%d %I:%M:%S %p", "time_format"),
        ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S", "time_format"),
        ("%m/%d/%Y %I:%M:%S %p", "%Q%", "time_format"),
        ("holidays = \"none\"", "holidays = \"US\"", "calendar"),
        ("mon = [\"08:00-12:00\"", "mon = [\"08:00-06:00\"", "calendar"),
        ("{ column = \"SRNumber\" }", "{ column = \"Number\" }", "fields.external_id.column"),
        ("{ column = \"SRNumber\" }", "{ }", "fields.external_id"),
        ("{ column = \"Owner\" }\n\n# The person", "{ value = \"部\" }\n\n# The person", "fields.department.value"),
        (
            "{ column = \"Owner\" }\n\n# The person",
            "{ column = \"Owner\", ids = { x = \"a b\" } }\n\n# The person",
            "fields.department.ids",
        ),
        ("{ column = \"RequestType\" }", "{ column = \"RequestType\", value = \"x\" }", "fields.problem_type"),
        ("{ value = \"SERVICE\" }", "{ value = \"HELP\" }", "fields.kind.value"),
        ("{ value = \"SERVICE\" }", "{ value = \"KIND_UNSPECIFIED\" }", "fields.kind.value"),
        ("\"Call\" = \"HOTLINE\"", "\"Call\" = \"HOTLIN\"", "fields.channel.words.\"Call\""),
        (
            "contact_time = { column = \"CreatedDate\" }",
            "contact_time = { column = \"CreatedDate\", only_dates = true }",
            "fields.contact_time",
        ),
        ("[fields.state]", "[fields.status]", "status"),
    ] {
        let text = SHIPPED.replacen(from, to, 1);
        assert_ne!(text, SHIPPED, "{from}");
        let error = bind(&text).unwrap_err();
        assert!(error.contains(named), "{to}: {error}");
    }
}

#[test]
fn a_column_that_stands_twice_is_not_chosen_from() {
    let spec: Spec = toml::from_str(SHIPPED).unwrap();
    let twice: StringRecord = HEADER.replace("ZipCode", "Status").split(',').collect();
    let error = Map::bind(&spec, &twice).unwrap_err();
    assert_eq!(error.key, "fields.state.column");
}

#[test]
fn a_form_with_an_offset_needs_no_zone() {
    let text = SHIPPED.replace(
        "{ column = \"CreatedDate\" }",
        "{ column = \"CreatedDate\", time_format = \"%Y-%m-%dT%H:%M:%S%:z\" }",
    );
    let mut cells = CELLS;
    cells[1] = "2018-01-01T00:00:09+08:00";
    let request = bind(&text).unwrap().request(&cells.iter().collect(), 2, &mut LeftOut::new()).unwrap();
    assert_eq!(request.contact_time, Some(at("2017-12-31T16:00:09Z")));
}

#[test]
fn empty_cells_take_the_default() {
    let text = SHIPPED
        .replace("{ column = \"Owner\" }\n\n# The person", "{ column = \"Owner\", default = \"desk\" }\n\n# The person")
        .replace("column = \"Status\"", "column = \"Status\"\ndefault = \"IN_PROGRESS\"");
    let mut cells = CELLS;
    (cells[3], cells[5]) = ("", "  ");
    let request = bind(&text).unwrap().request(&cells.iter().collect(), 2, &mut LeftOut::new()).unwrap();
    assert_eq!((request.department.as_str(), request.state()), ("departments/desk", State::InProgress));
}

proptest! {
    #[test]
    fn no_record_breaks_the_reading(cells in proptest::collection::vec("[\\PC]{0,30}", 0..14)) {
        let _ = shipped().request(&cells.iter().collect(), 2, &mut LeftOut::new());
    }

    #[test]
    fn times_are_read_as_the_zone_wrote_them(second in 1_400_000_000_i64..1_700_000_000) {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let time = Timestamp::from_second(second).unwrap();
        let written = time.to_zoned(zone.clone());
        let is_second_of_a_fold = zone.to_ambiguous_timestamp(written.datetime()).compatible().unwrap() != time;
        let cell = written.strftime("%m/%d/%Y %I:%M:%S %p").to_string();
        let read = read(&[(1, &cell), (2, ""), (8, ""), (9, "")]).0.unwrap().contact_time;
        let read = kefu_chassis::time::from_proto(&read.unwrap()).unwrap();
        prop_assert_eq!(read, if is_second_of_a_fold { time - SignedDuration::from_hours(1) } else { time });
    }

    #[test]
    fn a_slug_is_an_id_and_its_own_slug(text in "\\PC{0,80}") {
        if let Some(id) = slug(&text) {
            prop_assert!(is_id(&id), "{}", id);
            prop_assert_eq!(slug(&id), Some(id.clone()));
        }
    }
}

#[test]
fn slugs_keep_letters_and_digits() {
    for (text, id) in [
        ("BOS", Some("bos")),
        ("Dept. of Water & Power", Some("dept-of-water-power")),
        ("-7-", Some("7")),
        ("", None),
        ("--", None),
        ("部门1", None),
    ] {
        assert_eq!(slug(text).as_deref(), id, "{text}");
    }
}
