"""Members' records are the device's: what one of its cores has kept, every other one meets by reading them again."""

from carryon.core.log.identity import Identity
from carryon.core.log.membership import admit
from carryon.storage.log import Log


async def meet(log: Log, identity: Identity) -> bool:
    """Take in what other cores have kept of members' records; whether there was anything. Raises StorageError."""
    admitted = await admit(identity.members, identity.keyring.primitives, await log.members.records())
    return bool(admitted.records)
