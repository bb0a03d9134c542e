//! What the derive macros refuse, and what they say then, at the place where it is wrong.

#[test]
fn what_is_wrong_with_a_row_is_said_where_it_is() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
