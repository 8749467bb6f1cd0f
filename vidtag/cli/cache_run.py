"""The cache as a whole: stored scores and converted models, measured and cleared."""

from vidtag.cache.folder import NOWHERE, cache_folder
from vidtag.cache.scores import ScoreStore
from vidtag.cache.speeds import clear_speeds
from vidtag.cache.texts import clear_texts, measure_texts
from vidtag.models.conversions import clear_converted, measure_converted


def measure_cache() -> list[str]:
    """Describe what the cache holds, one line each."""
    with ScoreStore() as store:
        size = store.size()
    models = measure_converted().num_bytes
    folder = cache_folder()
    where = "none: there is no home folder; let VIDTAG_CACHE_DIR name one"
    return [
        f"folder            {where if folder == NOWHERE else folder}",
        f"stored scores     {size.num_runs} runs, {size.num_bytes / 1e6:.1f} MB "
        f"(at most {size.limit_bytes / 1e6:.0f} MB; VIDTAG_CACHE_LIMIT_MB sets another limit)",
        f"converted models  {models / 1e6:.1f} MB",
        f"texts as read     {measure_texts() / 1e6:.1f} MB",
    ]


def clear_cache() -> int:
    """Delete all; return how many bytes that freed. Nothing else in the folder is touched."""
    store = ScoreStore()
    freed = store.size().num_bytes + measure_converted().num_bytes + measure_texts()
    store.clear()
    clear_converted()
    clear_texts()
    clear_speeds()
    return freed - measure_converted().num_bytes
