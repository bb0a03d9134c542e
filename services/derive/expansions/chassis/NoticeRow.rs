// `NoticeRow` of services/chassis/src/store/notice.rs, expanded.

///[`NoticeRow`]s, a vector for each column, as a statement unnests them.
#[derive(Debug)]
pub(crate) struct NoticeColumns {
    pub id: Vec<Uuid>,
    pub event: Vec<Uuid>,
    pub recipient: Vec<String>,
    pub kind: Vec<String>,
    pub clause: Vec<String>,
    pub subject: Vec<String>,
    pub number: Vec<String>,
    pub duty: Vec<Option<Uuid>>,
    pub english: Vec<String>,
    pub chinese: Vec<String>,
    pub required: Vec<bool>,
}
impl FromIterator<NoticeRow> for NoticeColumns {
    fn from_iter<I: IntoIterator<Item = NoticeRow>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let count = rows.size_hint().0;
        let mut columns = Self {
            id: Vec::with_capacity(count),
            event: Vec::with_capacity(count),
            recipient: Vec::with_capacity(count),
            kind: Vec::with_capacity(count),
            clause: Vec::with_capacity(count),
            subject: Vec::with_capacity(count),
            number: Vec::with_capacity(count),
            duty: Vec::with_capacity(count),
            english: Vec::with_capacity(count),
            chinese: Vec::with_capacity(count),
            required: Vec::with_capacity(count),
        };
        for row in rows {
            columns.id.push(row.id);
            columns.event.push(row.event);
            columns.recipient.push(row.recipient);
            columns.kind.push(row.kind);
            columns.clause.push(row.clause);
            columns.subject.push(row.subject);
            columns.number.push(row.number);
            columns.duty.push(row.duty);
            columns.english.push(row.english);
            columns.chinese.push(row.chinese);
            columns.required.push(row.required);
        }
        columns
    }
}
