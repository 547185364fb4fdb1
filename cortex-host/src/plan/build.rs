//! From what a configuration says to what a run does: ranges, defaults, and everything that
//! must be true before a run begins.

use std::path::{Path, PathBuf};

use super::encoding::{plan_encoding, plan_results};
use super::execution::plan_execution;
use super::kernels::plan_kernels;
use super::output::{OutputPlan, plan_output};
use super::realtime::plan_realtime;
use super::samples::plan_dataset;
use super::{
    DatasetPlan, KernelPlan, KernelSource, LibraryKernel, NotOnADevice, Plan, Purpose,
    ReturnedResults, Transfer, resolved,
};
use crate::base::quoted;
use crate::config::value::choice;
use crate::config::{
    self, At, ConfigError, Node, OutputConfig, Position, Problem, RunConfig, Setting, Source,
};
use crate::device::DeviceAddress;
use crate::device::qemu::emulated_board;
use crate::primitive::{BOARD_CONFIG, Library};
use crate::synthetic::Normalize;

/// Reads and plans the configuration `argument`: a path, `-` for stdin, or, when absent, the
/// embedded quickstart, on a board the embedded configuration of its size.
///
/// # Errors
/// [`ConfigError`] names file, line and column of the first thing that is wrong.
pub fn load(argument: Option<&str>) -> Result<Plan, ConfigError> {
    load_with(argument, &Overrides::default())
}

/// What a command line says in place of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Replaces `device`.
    pub device: Option<String>,
    /// Replaces `transfer`.
    pub transfer: Option<String>,
    /// Values in place of those written.
    pub settings: Vec<Setting>,
    /// The kernels to keep; all when empty.
    pub kernels: Vec<String>,
    /// Replaces `output.directory`.
    pub directory: Option<PathBuf>,
    /// The run folder's name, in place of one made of the time.
    pub name: Option<String>,
}

/// The same as [`load`], with some values replaced.
///
/// # Errors
/// As [`load`]; a replaced value has no line and column.
pub fn load_with(argument: Option<&str>, overrides: &Overrides) -> Result<Plan, ConfigError> {
    plan_of(&read_source(argument, overrides.device.as_deref())?, overrides)
}

/// Reads the configuration `argument` as [`load`] does, for a run on `device` when one is given.
///
/// # Errors
/// [`ConfigError`] when it cannot be read.
pub fn read_source(argument: Option<&str>, device: Option<&str>) -> Result<Source, ConfigError> {
    // What a desktop does in a second need not fit a board.
    let on_board = device.and_then(|device| device.parse().ok());
    let on_board =
        matches!(on_board, Some(DeviceAddress::Serial { .. } | DeviceAddress::Qemu { .. }));
    Source::read(argument.or(on_board.then_some(BOARD_CONFIG.0)))
}

/// Plans a configuration that was read.
///
/// # Errors
/// As [`load_with`].
pub fn plan_of(source: &Source, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let node = Node::parse(&source.text).map_err(|problem| problem.in_source(&source.name))?;
    load_node(node, &source.name, source.folder.as_deref(), overrides)
}

/// The same for a configuration that was parsed already: messages call it `name`, and its relative
/// paths may mean `folder`.
///
/// # Errors
/// As [`load_with`].
pub fn load_node(
    node: Node,
    name: &str,
    folder: Option<&Path>,
    overrides: &Overrides,
) -> Result<Plan, ConfigError> {
    let mut config = config::parse_node(node, name, &overrides.settings, &overrides.kernels)?;
    let replaced = |text: &String| At { value: text.clone(), position: Position::default() };
    if let Some(device) = &overrides.device {
        config.device = Some(replaced(device));
        // Its own fault, not the configuration's.
        plan_device(config.device.as_ref()).map_err(|problem| problem.in_source("command line"))?;
    }
    if let Some(transfer) = &overrides.transfer {
        config.transfer = Some(replaced(transfer));
    }
    if let Some(directory) = &overrides.directory {
        let output = config.output.get_or_insert_with(|| OutputConfig::default().into());
        output.value.directory = Some(replaced(&directory.to_string_lossy().into_owned()));
    }
    let library = Library::new(folder);
    let plan = Plan::new(&config, &library).map_err(|problem| problem.in_source(name))?;
    let output = OutputPlan { name: overrides.name.clone(), ..plan.output };
    Ok(Plan { output, ..plan })
}

/// Plans the training of the kernel called `kernel` (of the only one when absent) of the
/// configuration `argument`, on its dataset. The kernel is a library's, its `state` is not read.
///
/// # Errors
/// As [`load`]; also when the configuration does not leave one kernel of a library.
pub fn load_training(
    argument: &str,
    settings: &[Setting],
    kernel: Option<&str>,
) -> Result<(DatasetPlan, LibraryKernel), ConfigError> {
    let source = Source::read(Some(argument))?;
    let kept: Vec<String> = kernel.into_iter().map(str::to_owned).collect();
    let mut config = config::parse_with(&source, settings, &kept)?;
    for kernel in config.kernels.iter_mut().flat_map(|list| &mut list.value) {
        // What is trained is what the file will hold.
        kernel.value.state = None;
    }
    let library = Library::new(source.folder.as_deref());
    let refused = |problem: Problem| problem.in_source(&source.name);
    let plan = Plan::with(&config, &library, Purpose::Training).map_err(refused)?;
    let position = config.kernels.as_ref().map_or(Position::default(), |at| at.position);
    let count = plan.kernels.len();
    let mut kernels = plan.kernels.into_iter().map(|kernel| kernel.source);
    match (kernels.next(), count) {
        (Some(KernelSource::Library(kernel)), 1) => Ok((plan.dataset, *kernel)),
        (_, 1) => {
            let message = "only a kernel of a library (library: FILE) can be trained";
            Err(refused(Problem::at(position, message)))
        }
        _ => {
            let message = format!("there are {count} kernels; name the one to train with --kernel");
            Err(refused(Problem::at(position, message)))
        }
    }
}

impl Plan {
    /// Decides what `config` asks for, with datasets and primitives from `library`.
    ///
    /// # Errors
    /// [`Problem`] at the place of the value that cannot be used.
    pub fn new(config: &RunConfig, library: &Library) -> Result<Self, Problem> {
        Self::with(config, library, Purpose::Run)
    }

    fn with(config: &RunConfig, library: &Library, purpose: Purpose) -> Result<Self, Problem> {
        let dataset = config.dataset.as_ref().ok_or_else(|| {
            let message = "dataset is missing; say what to run on, with dataset.path, dataset.channels and dataset.sample_rate_hz";
            Problem::at(Position { line: 1, column: 1 }, message)
        })?;
        let dataset = plan_dataset(dataset, library)?;
        let execution =
            plan_execution(config.execution.as_ref(), dataset.samples(), dataset.sample_rate_hz())?;
        let kernels =
            plan_kernels(config.kernels.as_ref(), &dataset, &execution, library, purpose)?;
        let device = plan_device(config.device.as_ref())?;
        let firmware_path = plan_firmware(config.firmware.as_ref(), &device, library)?;
        let transfer = plan_transfer(config.transfer.as_ref(), &device, &dataset)?;
        refuse_normalized(transfer, &dataset, config.transfer.as_ref())?;
        let encoding =
            plan_encoding(config.encoding.as_ref(), config.scale_uv, &device, transfer, &dataset)?;
        let output = plan_output(config.output.as_ref())?;
        let results = plan_results(config.results.as_ref(), &device, output.include_raw_data)?;
        if device != DeviceAddress::Native {
            for (index, kernel) in kernels.iter().enumerate() {
                check_on_device(kernel, &device, transfer, results).map_err(|refused| {
                    let list = config.kernels.as_ref().map_or(&[][..], |list| &list.value);
                    let at = list.get(index);
                    let NotOnADevice { key, why } = refused;
                    let written = at.and_then(|at| match key {
                        "dtype" => at.value.dtype.as_ref().map(|at| at.position),
                        "state" => at.value.state.as_ref().map(|at| at.position),
                        "command" => at.value.command.as_ref().map(|at| at.position),
                        _ => at.value.library.as_ref().map(|at| at.position),
                    });
                    let position = written.or(at.map(|at| at.position)).unwrap_or_default();
                    Problem::at(
                        position,
                        format!("kernels[{index}].{key} ({}): {why}", kernel.name),
                    )
                })?;
            }
        }
        let mut plan = Self {
            dataset,
            kernels,
            execution,
            output,
            device,
            firmware: config.firmware.as_ref().map(|at| at.value.clone()),
            firmware_path,
            transfer,
            encoding,
            results,
            realtime: plan_realtime(config.realtime.as_ref())?,
            config_text: String::new(),
            config: serde_json::Value::Null,
        };
        (plan.config_text, plan.config) = resolved::config(&plan);
        Ok(plan)
    }
}

fn plan_device(config: Option<&At<String>>) -> Result<DeviceAddress, Problem> {
    let Some(device) = config else { return Ok(DeviceAddress::Native) };
    let parsed: DeviceAddress = device
        .value
        .parse()
        .map_err(|error| Problem::at(device.position, format!("device: {error}")))?;
    if let DeviceAddress::Qemu { board } = &parsed {
        emulated_board(board)
            .map_err(|error| Problem::at(device.position, format!("device: {error}")))?;
    }
    Ok(parsed)
}

/// Where the image of an emulated board is, or the folder that builds it.
fn plan_firmware(
    config: Option<&At<String>>,
    device: &DeviceAddress,
    library: &Library,
) -> Result<Option<PathBuf>, Problem> {
    let Some(at) = config else { return Ok(None) };
    if !matches!(device, DeviceAddress::Qemu { .. }) {
        let message = "firmware is the image of an emulated board; flash a real one, or set device: qemu:BOARD";
        return Err(Problem::at(at.position, message));
    }
    let folder = || {
        let manifest = library.file(&format!("{}/Cargo.toml", at.value))?;
        manifest.parent().map(Path::to_path_buf)
    };
    library.file(&at.value).or_else(folder).map(Some).ok_or_else(|| {
        let message = format!(
            "firmware: there is neither an image {} nor a crate in such a folder",
            quoted(&at.value)
        );
        Problem::at(at.position, message).input_output()
    })
}

/// Whether a kernel can be run behind a link: those of this program anywhere; one of the user's own
/// on a board, whose image it is linked into.
fn check_on_device(
    kernel: &KernelPlan,
    device: &DeviceAddress,
    transfer: Transfer,
    results: ReturnedResults,
) -> Result<(), NotOnADevice> {
    let refused = |key, why: String| Err(NotOnADevice { key, why });
    let own = match &kernel.source {
        KernelSource::BuiltIn(_) => return Ok(()),
        KernelSource::Program(_) => {
            let why = format!("a program runs on this computer, not on {device}");
            return refused("command", why);
        }
        KernelSource::Library(own) => own,
    };
    if !matches!(device, DeviceAddress::Qemu { .. } | DeviceAddress::Serial { .. }) {
        let why = format!(
            "{device} runs the kernels of this program; use device: native, or a board with an image \
             of your own"
        );
        return refused("library", why);
    }
    own.on_a_device()?;
    if transfer == Transfer::Seeded {
        let why = "transfer: seeded is for the kernels of this program; use streamed";
        return refused("library", why.to_owned());
    }
    if results == ReturnedResults::Digests && !own.bit_exact {
        let why = "results: digests compares bits, and the kernel does not promise them \
                   (CORTEX_BIT_EXACT); use samples";
        return refused("library", why.to_owned());
    }
    Ok(())
}

fn plan_transfer(
    config: Option<&At<String>>,
    device: &DeviceAddress,
    dataset: &DatasetPlan,
) -> Result<Transfer, Problem> {
    let Some(at) = config else { return Ok(Transfer::Streamed) };
    let choices = [Transfer::Streamed, Transfer::Seeded];
    let transfer = choice("transfer", at, &choices, Transfer::name)?;
    if transfer == Transfer::Seeded && *device == DeviceAddress::Native {
        let message = "transfer: seeded is for a device behind a link, but device is native; use streamed or another device";
        return Err(Problem::at(at.position, message));
    }
    if transfer == Transfer::Seeded && matches!(dataset, DatasetPlan::Static(_)) {
        let message = "transfer: seeded has the device generate its own input, but the dataset is a recording; use streamed, or a generator such as primitives/datasets/v1/synthetic";
        return Err(Problem::at(at.position, message));
    }
    Ok(transfer)
}

/// A device that makes its own input sees it once; exact normalisation needs it twice.
fn refuse_normalized(
    transfer: Transfer,
    dataset: &DatasetPlan,
    place: Option<&At<String>>,
) -> Result<(), Problem> {
    match dataset {
        DatasetPlan::Generated(dataset)
            if transfer == Transfer::Seeded && dataset.normalize == Normalize::Exact =>
        {
            let message = "transfer: seeded makes the data on the device, which cannot normalize them; use transfer: streamed, or remove dataset.params.normalize";
            Err(Problem::at(place.map_or_else(Position::default, |at| at.position), message))
        }
        _ => Ok(()),
    }
}
