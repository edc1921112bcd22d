// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reference importer: QEMU's edu, a PCI device whose DMA engine moves some bytes at
 * a time between memory and a buffer of its own, and sends an interrupt.
 *
 * Promises: operations one after the other; the interrupt handler signals the fence
 * that belongs to one; a device that does not answer is stopped before the fence
 * signals with an error; when the driver lets go of the device, it is idle.
 *
 * Does not: let anyone but root in. The device has to be made with all 64 bits of
 * dma_mask. The driver cannot be unloaded, only unbound: a fence that somebody
 * still holds uses its code.
 */
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu-device.h"

#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_RUN		BIT(0)
#define EDU_DMA_TO_MEMORY	BIT(1)
#define EDU_DMA_IRQ		BIT(2)
#define EDU_IRQ_DMA		0x100
/* Where its own buffer is, for its engine. */
#define EDU_BUFFER		0x40000

/* It takes 100 ms, of a machine that may be slow. */
#define EDU_TIMEOUT_MS		20000

static unsigned int write_timeout_ms = EDU_TIMEOUT_MS;
module_param(write_timeout_ms, uint, 0644);
MODULE_PARM_DESC(write_timeout_ms,
		 "How long a write to memory may take until the device counts as broken");

static DEFINE_IDA(edu_numbers);

/*
 * The engine
 */

static irqreturn_t edu_irq(int irq, void *data)
{
	struct edu *edu = data;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);
	struct dma_fence *last;

	if (!status)
		return IRQ_NONE;
	writel(status, edu->regs + EDU_IRQ_ACK);
	if (!(status & EDU_IRQ_DMA))
		return IRQ_HANDLED;
	last = xchg(&edu->last, NULL);
	if (last) {
		if (in_hardirq())
			atomic_inc(&edu->in_hardirq);
		dma_fence_signal(last);
	}
	complete(&edu->done);
	return IRQ_HANDLED;
}

/**
 * edu_run - one operation of the engine
 * @edu: the device
 * @addr: in memory
 * @len: in bytes, less than 4096
 * @to_device: from memory to the device
 * @last: fence that the interrupt handler signals, or NULL; the caller keeps it
 *
 * Return: 0; on an error @last was not signaled, and the device does nothing more:
 * -ETIMEDOUT, -EIO ever after.
 */
int edu_run(struct edu *edu, dma_addr_t addr, u32 len, bool to_device,
	    struct dma_fence *last)
{
	u32 command = EDU_DMA_RUN | EDU_DMA_IRQ, timeout = EDU_TIMEOUT_MS;

	if (edu->broken)
		return -EIO;
	reinit_completion(&edu->done);
	xchg(&edu->last, last);
	writeq(to_device ? addr : EDU_BUFFER, edu->regs + EDU_DMA_SRC);
	writeq(to_device ? EDU_BUFFER : addr, edu->regs + EDU_DMA_DST);
	writeq(len, edu->regs + EDU_DMA_COUNT);
	if (!to_device) {
		command |= EDU_DMA_TO_MEMORY;
		timeout = READ_ONCE(write_timeout_ms);
	}
	writeq(command, edu->regs + EDU_DMA_COMMAND);
	if (wait_for_completion_timeout(&edu->done, msecs_to_jiffies(timeout)))
		return 0;

	/* Who waits for the fence gives the memory to somebody else. */
	edu->broken = true;
	pci_clear_master(edu->pci);
	dev_err(&edu->pci->dev, "an operation did not end\n");
	if (!last || xchg(&edu->last, NULL))
		return -ETIMEDOUT;
	/* The handler has begun, after all. */
	wait_for_completion(&edu->done);
	return 0;
}

/*
 * The character device
 */

static long ioctl_copy(struct edu_client *client, void __user *arg)
{
	struct edu_copy copy;
	int ret;

	if (copy_from_user(&copy, arg, sizeof(copy)))
		return -EFAULT;
	ret = edu_job_submit(client, &copy);
	if (ret)
		return ret;
	return copy_to_user(arg, &copy, sizeof(copy)) ? -EFAULT : 0;
}

/* The import of a buffer, whose reservation object is locked. */
static struct edu_import *import_lock(struct edu_client *client, int fd)
{
	struct edu_import *import = edu_import_get(client, fd);
	int ret;

	if (IS_ERR(import))
		return import;
	ret = dma_resv_lock_interruptible(import->dmabuf->resv, NULL);
	if (!ret)
		return import;
	edu_import_put(import);
	return ERR_PTR(ret);
}

static void import_unlock(struct edu_import *import)
{
	dma_resv_unlock(import->dmabuf->resv);
	edu_import_put(import);
}

static long ioctl_pin(struct edu_client *client, void __user *arg)
{
	struct edu_import *import;
	struct edu_pin pin;
	int ret = 0;

	if (copy_from_user(&pin, arg, sizeof(pin)))
		return -EFAULT;
	import = import_lock(client, pin.fd);
	if (IS_ERR(import))
		return PTR_ERR(import);
	if (pin.pin && !import->pinned) {
		ret = dma_buf_pin(import->attach);
		import->pinned = !ret;
	} else if (!pin.pin && import->pinned) {
		dma_buf_unpin(import->attach);
		import->pinned = false;
	} else {
		ret = -EINVAL;
	}
	import_unlock(import);
	return ret;
}

static long ioctl_map(struct edu_client *client, void __user *arg)
{
	struct edu_map_info info;
	struct edu_mapping *mapping;
	struct edu_import *import;
	long ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	import = import_lock(client, info.fd);
	if (IS_ERR(import))
		return PTR_ERR(import);
	mapping = edu_mapping_get(import);
	ret = PTR_ERR_OR_ZERO(mapping);
	if (!ret) {
		info.address = sg_dma_address(mapping->sgt->sgl);
		info.entries = mapping->sgt->nents;
		edu_mapping_put(mapping);
	}
	import_unlock(import);
	if (!ret && copy_to_user(arg, &info, sizeof(info)))
		ret = -EFAULT;
	return ret;
}

static long ioctl_stat(struct edu_client *client, void __user *arg)
{
	struct edu *edu = client->edu;
	struct edu_stat stat = {
		.jobs = atomic_read(&edu->jobs),
		.in_hardirq = atomic_read(&edu->in_hardirq),
		.errors = atomic_read(&edu->errors),
	};

	mutex_lock(&edu->lock);
	stat.imports = list_count_nodes(&edu->imports);
	mutex_unlock(&edu->lock);
	return copy_to_user(arg, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long number)
{
	struct edu_client *client = file->private_data;
	struct edu *edu = client->edu;
	void __user *arg = (void __user *)number;
	long ret;

	ret = down_read_killable(&edu->alive);
	if (ret)
		return ret;
	if (edu->gone)
		ret = -ENODEV;
	else if (cmd == EDU_IOC_COPY)
		ret = ioctl_copy(client, arg);
	else if (cmd == EDU_IOC_PIN)
		ret = ioctl_pin(client, arg);
	else if (cmd == EDU_IOC_MAP)
		ret = ioctl_map(client, arg);
	else if (cmd == EDU_IOC_STAT)
		ret = ioctl_stat(client, arg);
	else
		ret = -ENOTTY;
	up_read(&edu->alive);
	return ret;
}

static void edu_free(struct kref *ref)
{
	kfree(container_of(ref, struct edu, ref));
}

static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);
	struct edu_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	/* misc_deregister() waits for us. */
	kref_get(&edu->ref);
	client->edu = edu;
	mutex_init(&client->lock);
	INIT_LIST_HEAD(&client->imports);
	file->private_data = client;
	return 0;
}

static int edu_release(struct inode *inode, struct file *file)
{
	struct edu_client *client = file->private_data;
	struct edu *edu = client->edu;

	edu_imports_drop(client);
	kfree(client);
	kref_put(&edu->ref, edu_free);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.unlocked_ioctl = edu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/*
 * The device
 */

static int setup_device(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	int ret;

	ret = pcim_enable_device(pci);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	/* Jobs cut an entry into pieces. */
	dma_set_max_seg_size(&pci->dev, UINT_MAX);
	edu->regs = pcim_iomap(pci, 0, 0);
	if (!edu->regs)
		return -ENOMEM;
	pci_set_master(pci);
	ret = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	return devm_request_irq(&pci->dev, pci_irq_vector(pci, 0), edu_irq, 0,
				"edu-p2p", edu);
}

static int setup_queues(struct edu *edu)
{
	edu->run = alloc_ordered_workqueue("edu-run", WQ_MEM_RECLAIM);
	edu->clean = alloc_workqueue("edu-clean", WQ_UNBOUND, 0);
	if (edu->run && edu->clean)
		return 0;
	if (edu->run)
		destroy_workqueue(edu->run);
	if (edu->clean)
		destroy_workqueue(edu->clean);
	return -ENOMEM;
}

static void stop_queues(struct edu *edu)
{
	/* Jobs end as soon as the fences that they wait for have signaled. */
	destroy_workqueue(edu->run);
	destroy_workqueue(edu->clean);
}

static int setup_misc(struct edu *edu)
{
	int ret;

	edu->number = ida_alloc(&edu_numbers, GFP_KERNEL);
	if (edu->number < 0)
		return edu->number;
	snprintf(edu->name, sizeof(edu->name), "edu%d", edu->number);
	edu->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = edu->name,
		.fops = &edu_fops,
	};
	ret = misc_register(&edu->misc);
	if (ret)
		ida_free(&edu_numbers, edu->number);
	return ret;
}

static struct edu *edu_alloc(struct pci_dev *pci)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);

	if (!edu)
		return NULL;
	edu->pci = pci;
	kref_init(&edu->ref);
	init_rwsem(&edu->alive);
	init_completion(&edu->done);
	mutex_init(&edu->submit);
	mutex_init(&edu->lock);
	INIT_LIST_HEAD(&edu->imports);
	edu->context = dma_fence_context_alloc(1);
	return edu;
}

static int edu_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct edu *edu = edu_alloc(pci);
	int ret;

	if (!edu)
		return -ENOMEM;
	ret = setup_device(edu);
	if (ret)
		goto put;
	ret = setup_queues(edu);
	if (ret)
		goto free_irq;
	ret = setup_misc(edu);
	if (ret)
		goto stop;
	pci_set_drvdata(pci, edu);
	return 0;

stop:
	stop_queues(edu);
free_irq:
	devm_free_irq(&pci->dev, pci_irq_vector(pci, 0), edu);
put:
	kref_put(&edu->ref, edu_free);
	return ret;
}

static void edu_remove(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	misc_deregister(&edu->misc);
	down_write(&edu->alive);
	edu->gone = true;
	up_write(&edu->alive);
	stop_queues(edu);
	edu_imports_detach(edu);
	devm_free_irq(&pci->dev, pci_irq_vector(pci, 0), edu);
	ida_free(&edu_numbers, edu->number);
	kref_put(&edu->ref, edu_free);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{}
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = "edu-p2p",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_init(void)
{
	return pci_register_driver(&edu_driver);
}
module_init(edu_init);

MODULE_DESCRIPTION("Reference importer of device memory, for QEMU's edu");
MODULE_LICENSE("GPL");
/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");
