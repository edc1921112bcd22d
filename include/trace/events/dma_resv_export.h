/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_resv_export

#if !defined(_TRACE_DMA_RESV_EXPORT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_RESV_EXPORT_H

#include <linux/tracepoint.h>

struct dma_resv;

/* What @usage has to wait for was taken out: @fences that had not signaled. */
TRACE_EVENT(dma_resv_export,
	TP_PROTO(const struct dma_resv *resv, unsigned int usage,
		 unsigned int fences, unsigned int restarts, int ret),
	TP_ARGS(resv, usage, fences, restarts, ret),

	TP_STRUCT__entry(
		__field(const void *, resv)
		__field(unsigned int, usage)
		__field(unsigned int, fences)
		__field(unsigned int, restarts)
		__field(int, ret)
	),

	TP_fast_assign(
		__entry->resv = resv;
		__entry->usage = usage;
		__entry->fences = fences;
		__entry->restarts = restarts;
		__entry->ret = ret;
	),

	TP_printk("resv=%p usage=%u fences=%u restarts=%u ret=%d",
		  __entry->resv, __entry->usage, __entry->fences,
		  __entry->restarts, __entry->ret)
);

/*
 * A fence was put in: @walked fences and links looked at, @distinct contexts to
 * add, @kept entries afterwards, @pruned gone, @locked_ns under the lock.
 */
TRACE_EVENT(dma_resv_import,
	TP_PROTO(const struct dma_resv *resv, unsigned int usage,
		 unsigned long walked, unsigned int distinct,
		 unsigned int kept, unsigned int pruned, unsigned int retries,
		 u64 locked_ns, int ret),
	TP_ARGS(resv, usage, walked, distinct, kept, pruned, retries,
		locked_ns, ret),

	TP_STRUCT__entry(
		__field(const void *, resv)
		__field(unsigned int, usage)
		__field(unsigned long, walked)
		__field(unsigned int, distinct)
		__field(unsigned int, kept)
		__field(unsigned int, pruned)
		__field(unsigned int, retries)
		__field(u64, locked_ns)
		__field(int, ret)
	),

	TP_fast_assign(
		__entry->resv = resv;
		__entry->usage = usage;
		__entry->walked = walked;
		__entry->distinct = distinct;
		__entry->kept = kept;
		__entry->pruned = pruned;
		__entry->retries = retries;
		__entry->locked_ns = locked_ns;
		__entry->ret = ret;
	),

	TP_printk("resv=%p usage=%u walked=%lu distinct=%u kept=%u pruned=%u retries=%u locked_ns=%llu ret=%d",
		  __entry->resv, __entry->usage, __entry->walked,
		  __entry->distinct, __entry->kept, __entry->pruned,
		  __entry->retries, __entry->locked_ns, __entry->ret)
);

/* Dead and double entries were looked for. */
TRACE_EVENT(dma_resv_prune,
	TP_PROTO(const struct dma_resv *resv, unsigned int kept,
		 unsigned int pruned, int ret),
	TP_ARGS(resv, kept, pruned, ret),

	TP_STRUCT__entry(
		__field(const void *, resv)
		__field(unsigned int, kept)
		__field(unsigned int, pruned)
		__field(int, ret)
	),

	TP_fast_assign(
		__entry->resv = resv;
		__entry->kept = kept;
		__entry->pruned = pruned;
		__entry->ret = ret;
	),

	TP_printk("resv=%p kept=%u pruned=%u ret=%d", __entry->resv,
		  __entry->kept, __entry->pruned, __entry->ret)
);

#endif /* _TRACE_DMA_RESV_EXPORT_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
