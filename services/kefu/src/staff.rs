//! `import staff`: sends a CSV file of staff to the directory, and reports the outcome of its rows.

use std::path::PathBuf;

use clap::Args;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::directory::v1::{AppointGeneralManagerRequest, ImportStaffRequest, ImportStaffResponse};

use crate::common::Common;
use crate::error::{Error, file};
use crate::join::Session;
use crate::language::{pick, told};
use crate::terminal::say;

/// Bytes of the file in each message.
const PIECE: usize = 256 << 10;
/// Most rejected rows shown.
const SHOWN: usize = 20;

/// Whom to import.
#[derive(Args, Debug)]
#[command(after_help = "\
The first line of the file names the columns; deploy/directory/example.csv has all of them. Staff who are known are changed
where the file says something else, so a file may be imported again. A wrong row is reported and stops nothing.")]
pub struct StaffArguments {
    /// The CSV file, in UTF-8, at most 16 MiB.
    file: PathBuf,
    /// Record departments that are not known, as the file describes them.
    #[arg(long)]
    create_departments: bool,
    /// Name the general manager afterwards: `staff/…`.
    #[arg(long, value_name = "NAME")]
    general_manager: Option<String>,
}

/// Imports the file.
pub async fn run(common: &Common, arguments: &StaffArguments) -> Result<(), Error> {
    let bytes = std::fs::read(&arguments.file).map_err(file("read", &arguments.file))?;
    let create_departments = arguments.create_departments;
    let pieces: Vec<ImportStaffRequest> =
        bytes.chunks(PIECE).map(|piece| ImportStaffRequest { chunk: piece.to_vec(), create_departments }).collect();
    let answer = Session::with(common, async |session| {
        let mut client = DirectoryServiceClient::new(session.connect("appraisal").await?);
        let refused = |status| Error::refused("appraisal", &status);
        let answer = client.import_staff(tokio_stream::iter(pieces)).await.map_err(refused)?.into_inner();
        if let Some(staff) = &arguments.general_manager {
            let request = AppointGeneralManagerRequest { staff: staff.clone(), ..Default::default() };
            client.appoint_general_manager(request).await.map_err(refused)?;
        }
        Ok(answer)
    });
    say(&summary(&answer.await?))
}

fn summary(answer: &ImportStaffResponse) -> String {
    let mut text = told!(
        "{} recorded, {} changed, {} known just so, {} rejected\n",
        "新增 {} 人，更新 {} 人，无变动 {} 人，未导入 {} 行\n",
        answer.created_count,
        answer.updated_count,
        answer.unchanged_count,
        answer.rejected_count
    );
    for row in answer.rejected_rows.iter().take(SHOWN) {
        let told = pick(&format!("{}: {}", row.field, row.reason), &row.message).to_owned();
        text.push_str(&told!("  line {}: {told}\n", "  第{}行：{told}\n", row.line));
    }
    text
}
