// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module for stock kernels: route the sync-file ioctls to this project's code
 *
 * Promises: while the module is loaded and enabled, the sync-file commands of
 * every dma-buf, also those for many, are served here and all others by the
 * kernel; without it, all are served by the kernel. A call that is served here
 * keeps the module loaded.
 *
 * Does not: belong into a kernel tree, where dma_buf_ioctl() can call
 * dma_buf_sync_file_ioctl() itself.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include <uapi/linux/dma-buf.h>
#include <uapi/linux/magic.h>

#include "compat/ftrace-regs.h"
#include "dma-buf-sync-file.h"
#include "dma-resv-store.h"

static bool enabled = true;
module_param(enabled, bool, 0644);
MODULE_PARM_DESC(enabled, "serve the sync-file ioctls here (default: true)");

#ifdef COMPAT_FTRACE_FLAGS

#define REDIRECTED	"dma_buf_ioctl"

/* Stands in for dma_buf_ioctl(); the handler took a reference on the module. */
static long redirected_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	long ret = dma_buf_sync_file_ioctl(file->private_data, cmd,
					   (void __user *)arg);

	/* The few instructions from here to the return: see redirect_exit(). */
	module_put(THIS_MODULE);
	return ret;
}

/* Runs at each entry of dma_buf_ioctl(). */
static void notrace redirect_handler(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct compat_ftrace_regs *fregs)
{
	struct file *file;

	if (!dma_buf_sync_file_serves(compat_ftrace_argument(fregs, 1)))
		return;

	/* Another module may have a function of that name. */
	file = (struct file *)compat_ftrace_argument(fregs, 0);
	if (file_inode(file)->i_sb->s_magic != DMA_BUF_MAGIC)
		return;

	if (READ_ONCE(enabled) && try_module_get(THIS_MODULE))
		compat_ftrace_set_ip(fregs, (unsigned long)redirected_ioctl);
}

static struct ftrace_ops redirect_ops = {
	.func = redirect_handler,
	.flags = COMPAT_FTRACE_FLAGS | FTRACE_OPS_FL_PERMANENT,
};

static int __init redirect_init(void)
{
	int ret;

	dma_resv_store_init();

	ret = ftrace_set_filter(&redirect_ops, REDIRECTED, strlen(REDIRECTED),
				0);
	if (ret) {
		pr_err("cannot load (%d): ftrace does not see a function "
		       REDIRECTED "()\n", ret);
		goto err_store;
	}

	ret = register_ftrace_function(&redirect_ops);
	if (ret) {
		pr_err("cannot load (%d): ftrace does not give " REDIRECTED
		       "() away: switched off, or held by a live patch\n", ret);
		goto err_filter;
	}

	pr_info("serving the sync-file ioctls of dma-bufs\n");
	return 0;

err_filter:
	compat_ftrace_free_filter(&redirect_ops);
err_store:
	dma_resv_store_fini();
	return ret;
}

/*
 * No reference is held any more and none can be taken, but a task may still
 * stand between module_put() and the end of redirected_ioctl(). It does not
 * sleep there, and that is what synchronize_rcu_tasks() waits for.
 */
static void __exit redirect_exit(void)
{
	unregister_ftrace_function(&redirect_ops);
	compat_ftrace_free_filter(&redirect_ops);
	synchronize_rcu_tasks();
	dma_resv_store_fini();
	pr_info("the kernel serves the sync-file ioctls of dma-bufs again\n");
}
module_exit(redirect_exit);

#else /* !COMPAT_FTRACE_FLAGS */

static int __init redirect_init(void)
{
	pr_err("cannot load (%d): the kernel was built without CONFIG_DYNAMIC_FTRACE_WITH_ARGS and _REGS\n",
	       -EOPNOTSUPP);
	return -EOPNOTSUPP;
}

#endif /* COMPAT_FTRACE_FLAGS */
module_init(redirect_init);

MODULE_DESCRIPTION("sync_file export and import for dma-bufs");
MODULE_LICENSE("GPL");
/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");
