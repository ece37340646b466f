"""How much of a machine one file may use up."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds for one file, and for the process that reads it.

    512 MiB and 5 s were enough for every honest file tried; hostile ones of a few kB ask for any amount.
    """

    file_bytes: int = 100 * MIB
    signatures: int = 100
    revisions: int = 500
    entries: int = 500_000  # of its cross-reference streams: 2 s and 160 MiB, whatever the file's size
    address_space_bytes: int = 1024 * MIB
    cpu_s: int = 9  # the pages' drawing may take what is left of it
    wall_s: float = 30.0
    pictures: int = 1000  # pages drawn, as they are and as they were; 4 ms each for one of text
    drawing_cpu_s: int = 5
    drawing_bytes: int = 512 * MIB  # besides what the reading process has already
    files_per_worker: int = 500  # then a fresh process: memory stays flat in the number of files


@dataclass(frozen=True)
class Until:
    """When a file's time is up: a moment of `time.monotonic`, and one of `time.process_time`."""

    wall: float
    processor: float


FINDINGS_TOLD = 50  # of a file as a whole, and of each of its signatures
SIGNERS_TOLD = 10  # in the sentence
DETAIL_TOLD = 500  # characters
MAX_CMS_BYTES = 4 * MIB  # 25 MB of /Contents took 25 s and 4 GB in a plain reader
DEFAULT_LIMITS = Limits()
